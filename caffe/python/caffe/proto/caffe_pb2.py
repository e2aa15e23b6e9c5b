"""The classes of caffe.proto, made at import from its compiled description (caffe.desc).

protoc's own Python output is bound to certain versions of the protobuf package; this is not.
"""

from pathlib import Path as _Path
from typing import TYPE_CHECKING as _TYPE_CHECKING

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

_files = _descriptor_pb2.FileDescriptorSet.FromString(
    (_Path(__file__).parent / "caffe.desc").read_bytes()
)
DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(_files.file[0].SerializeToString())

_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())

if _TYPE_CHECKING:
    # An installed package says more in caffe_pb2.pyi, which the build makes.
    from typing import Any

    def __getattr__(name: str) -> Any: ...
