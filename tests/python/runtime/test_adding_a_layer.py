"""docs/adding-a-layer.md, done as it says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs/adding-a-layer.md").read_text()
BEFORE, IN_THE_TREE = PAGE.split("## In the tree")
PLUG_IN, SETTINGS = BEFORE.split("## Settings of a plug-in")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shell(folder, script):
    environment = {k: v for k, v in os.environ.items() if k != "GLOG_minloglevel"}
    # The commands of the environment the tests run in, activated or not.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", script], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake")
def test_as_a_plug_in(tmp_path):
    (source,) = blocks(PLUG_IN, "cpp")
    (tmp_path / "softsign_layer.cpp").write_text(source)
    (tmp_path / "CMakeLists.txt").write_text(*blocks(PLUG_IN, "cmake"))
    (tmp_path / "net.prototxt").write_text(*blocks(PLUG_IN, "prototxt"))
    (script,) = blocks(PLUG_IN, "sh")
    assert "Softsign" in shell(tmp_path, script)
    (tmp_path / "try.py").write_text(*blocks(PLUG_IN, "python"))
    printed = shell(tmp_path, shlex.join([sys.executable, "try.py"]))
    assert "y of 1: 0.5" in printed
    assert float(re.search(r"slope at 1: (\S+)", printed)[1]) == pytest.approx(0.25, abs=1e-3)
    by_environment = (
        f"CAFFE_PLUGINS={tmp_path}/build/libsoftsign.so caffe check --model=net.prototxt"
    )
    assert "Softsign" in shell(tmp_path, by_environment)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake")
def test_with_settings(tmp_path):
    files = ("proto", "gain.proto"), ("cpp", "gain_layer.cpp"), ("cmake", "CMakeLists.txt")
    for language, file in files:
        (tmp_path / file).write_text(*blocks(SETTINGS, language))
    (net,) = blocks(SETTINGS, "prototxt")
    (tmp_path / "net.prototxt").write_text(net)
    (tmp_path / "bad.prototxt").write_text(net.replace("factor", "faktor"))
    shell(tmp_path, "cmake -G Ninja -S . -B build && cmake --build build")
    script = (
        "import caffe; caffe.load_plugin('build/libgain.so')\n"
        "net = caffe.Net('net.prototxt', caffe.TEST)\n"
        "assert (net.forward(x=2 * np.ones((2, 3)))['y'] == 5).all()\n"
        "with pytest.raises(caffe.Error, match='param_str:1:7: .*faktor'):\n"
        "    caffe.Net('bad.prototxt', caffe.TEST)\n"
    )
    script = "import numpy as np; import pytest\n" + script
    shell(tmp_path, shlex.join([sys.executable, "-c", script]))


@pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake")
def test_a_class_may_have_the_name_of_one_that_caffe_lacked(tmp_path):
    source = (REPOSITORY / "tests/cpp/plugins/own_names_layer.cpp").read_text()
    (tmp_path / "softsign_layer.cpp").write_text(source)
    (tmp_path / "CMakeLists.txt").write_text(*blocks(PLUG_IN, "cmake"))
    shell(tmp_path, "cmake -G Ninja -S . -B build && cmake --build build")
    net = "".join(
        f'layer {{ name: "{type_}" type: "{type_}" top: "{type_}" }}\n'
        for type_ in ["Clip", "Interp", "ClassLoss"]
    )
    (tmp_path / "net.prototxt").write_text(net)
    plugin = "build/libsoftsign.so"
    checked = shell(tmp_path, f"caffe --plugin={plugin} check --model=net.prototxt")
    assert len(re.findall(r"^.*(?:Clip|Interp|ClassLoss) .* 5\b", checked, re.MULTILINE)) == 3
    script = (
        f"import caffe; caffe.load_plugin('{plugin}')\n"
        "net = caffe.Net('net.prototxt', caffe.TEST)\n"
        "assert all((values == 7).all() for values in net.forward().values())"
    )
    shell(tmp_path, shlex.join([sys.executable, "-c", script]))


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="no compiler")
def test_in_the_tree(tmp_path):
    header, registration, gradient = blocks(IN_THE_TREE, "cpp")
    (tmp_path / "caffe/layers").mkdir(parents=True)
    (tmp_path / "caffe/layers/softsign_layer.hpp").write_text(header)
    source = (REPOSITORY / "caffe/src/layers/elementwise_layers.cpp").read_text()
    last = "CAFFE_ELEMENTWISE_LAYER(Threshold);\n"
    assert last in source
    source = source.replace(last, last + registration)
    relu = '#include "caffe/layers/relu_layer.hpp"\n'
    source = source.replace(relu, relu + '#include "caffe/layers/softsign_layer.hpp"\n')
    (tmp_path / "elementwise_layers.cpp").write_text(source)
    folders = [tmp_path, REPOSITORY / "caffe/src", REPOSITORY / "caffe/include"]
    generated = Path(sys.prefix) / "include"
    options = shlex.join(f"-I{folder}" for folder in [*folders, generated, *_system_folders()])
    shell(tmp_path, f"c++ -std=c++17 -fopenmp -fsyntax-only {options} elementwise_layers.cpp")
    table = (REPOSITORY / "tests/cpp/runtime/test_gradients.cpp").read_text()
    assert gradient.replace("Softsign", "Sigmoid") in table


def _system_folders():
    """Where cblas.h is, for what the build found by itself."""
    return sorted({path.parent for path in Path("/usr/include").glob("**/cblas.h")})
