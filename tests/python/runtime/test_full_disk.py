"""Weights that do not fit on the disk."""

import subprocess
import sys
from pathlib import Path

from support.small_net import NET, write

FULL_DISK = """
import resource, caffe
net = caffe.Net("net.prototxt", caffe.TEST)
net.save_hdf5("whole.h5")
net.save_hdf5("kept.h5")
size = __import__("os").stat("whole.h5").st_size
for limit in range(size // 4, size, size // 8):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        net.save_hdf5("kept.h5")
        print("no error at", limit, "of", size)
    except caffe.Error as error:
        print(error)
"""


def test_a_full_disk_is_an_error_and_leaves_the_older_file(tmp_path, monkeypatch):
    write(tmp_path, NET)
    monkeypatch.chdir(tmp_path)
    done = subprocess.run([sys.executable, "-c", FULL_DISK], capture_output=True, text=True)
    messages = done.stdout.splitlines()
    assert len(messages) >= 5
    told = [message for message in messages if "is the disk full?" in message]
    assert told == messages and all("kept.h5" in message for message in messages), messages
    assert not any(".tmp-" in message for message in messages), messages
    assert Path("kept.h5").read_bytes() == Path("whole.h5").read_bytes()
    assert not list(Path().glob("kept.h5.*"))
    assert done.returncode == 0, done.stderr
