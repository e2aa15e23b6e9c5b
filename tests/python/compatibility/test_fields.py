"""Fields of equal names in different messages are told apart."""

import pytest

from compatibility import fields


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type: 'Clip' clip_param { min: -1 max: 1 }", "ClipParameter"),
        ('{"weight_filler { type: \'uniform\' " "min: -1 }"}', "FillerParameter"),
        ("FillerParameter filler;\nfiller.set_min(2);", "FillerParameter"),
        ("param.mutable_clip_param()->set_min(2);", "ClipParameter"),
        ("ClipParameter* clip = param.mutable_clip_param();\nclip->set_min(2);", "ClipParameter"),
        ("auto* clip = param.mutable_clip_param();\nclip->set_min(2);", "ClipParameter"),
        ("FromText<FillerParameter>(\"type: 'uniform' min: 3\")", "FillerParameter"),
        ("caffe_pb2.FillerParameter(type='uniform', min=3)", "FillerParameter"),
        ("L.Convolution(x, weight_filler=dict(type='uniform', min=3))", "FillerParameter"),
        ("L.Convolution(x, weight_filler={'type': 'uniform', 'min': 3})", "FillerParameter"),
        ("L.Clip(x, min=3, max=4)", "ClipParameter"),
        ("layer.clip_param.min = 3", "ClipParameter"),
    ],
)
def test_the_message_is_that_which_surrounds_the_field(text, message):
    counts = {name: fields.count(text, name, "min") for name in fields.owners()["min"]}
    assert counts == {name: int(name == message) for name in counts}


@pytest.mark.parametrize("text", ["clamp(x, min=3)", "std::min(a, b)", "int min = 4;"])
def test_other_uses_of_the_name_are_none(text):
    assert not any(fields.count(text, name, "min") for name in fields.owners()["min"])
