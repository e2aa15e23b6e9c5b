"""The classes of caffe.proto, made at import from its compiled description (caffe.desc).

protoc's own Python output is bound to certain versions of the protobuf package; this is not.
"""

import locale as _locale
from pathlib import Path as _Path
from typing import TYPE_CHECKING as _TYPE_CHECKING

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

_files = _descriptor_pb2.FileDescriptorSet.FromString(
    (_Path(__file__).parent / "caffe.desc").read_bytes()
)
# protobuf reads the fields' defaults as the program's locale writes numbers, which programs with
# windows set to the user's: "0.9" is no number in half of the world.
_numbers_of_program = _locale.setlocale(_locale.LC_NUMERIC)
_locale.setlocale(_locale.LC_NUMERIC, "C")
try:
    DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(_files.file[0].SerializeToString())
finally:
    _locale.setlocale(_locale.LC_NUMERIC, _numbers_of_program)

_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())

if _TYPE_CHECKING:
    # An installed package says more in caffe_pb2.pyi, which the build makes.
    from typing import Any

    def __getattr__(name: str) -> Any: ...
