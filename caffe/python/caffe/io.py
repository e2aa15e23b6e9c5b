"""Images and arrays on their way into a net, and to and from caffe's messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from . import _caffe
from .proto import caffe_pb2 as caffe_pb2  # scripts take it from here, too

Array = npt.NDArray[Any]

# ---- arrays and messages ----


def blobproto_to_array(blob: Any, return_diff: bool = False) -> Array:
    """Make an array of a BlobProto's data (or diff), in its shape (old 4-D form included)."""
    values = np.array(blob.diff if return_diff else blob.data)
    legacy = ("num", "channels", "height", "width")
    if any(blob.HasField(name) for name in legacy):
        return values.reshape([getattr(blob, name) for name in legacy])
    return values.reshape(tuple(blob.shape.dim))


def array_to_blobproto(arr: npt.ArrayLike, diff: npt.ArrayLike | None = None) -> Any:
    """Make a BlobProto of an array of any shape, and of its diff if given."""
    arr = np.asarray(arr)
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(arr.shape)
    blob.data.extend(arr.astype(float).flat)
    if diff is not None:
        blob.diff.extend(np.asarray(diff).astype(float).flat)
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[npt.ArrayLike]) -> bytes:
    """Serialize arrays as a BlobProtoVector."""
    vector = caffe_pb2.BlobProtoVector()
    vector.blobs.extend(array_to_blobproto(arr) for arr in arraylist)
    return bytes(vector.SerializeToString())


arraylist_to_blobprotovecor_str = arraylist_to_blobprotovector_str  # as pycaffe spells it


def blobprotovector_str_to_arraylist(data: bytes) -> list[Array]:
    """Undo arraylist_to_blobprotovector_str."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(data).blobs]


def array_to_datum(arr: npt.ArrayLike, label: int | None = None) -> Any:
    """Make a Datum of a C x H x W array: uint8 as bytes, others as floats."""
    arr = np.asarray(arr)
    if arr.ndim != 3:
        raise ValueError(f"a Datum holds C x H x W, got an array of shape {arr.shape}")
    datum = caffe_pb2.Datum()
    datum.channels, datum.height, datum.width = arr.shape
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(arr.astype(float).flat)
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: Any) -> Array:
    """Make the C x H x W array of a Datum (not of an encoded one)."""
    if datum.encoded:
        raise ValueError("the datum holds an encoded image; decode datum.data, e.g. with cv2")
    shape = (datum.channels, datum.height, datum.width)
    if len(datum.data):
        return np.frombuffer(datum.data, np.uint8).reshape(shape).copy()  # bytes are read-only
    return np.array(datum.float_data).astype(float).reshape(shape)


# ---- pre-processing ----


class Transformer:
    """Turns images (H x W x C, as load_image gives them) into what a net's inputs want, and back.

    Order: resize to the input's size, transpose axes, swap channels, times raw_scale, minus mean,
    times input_scale. Each step is done for the inputs it was set for.

    Parameters
    ----------
    inputs
        Shape (N, C, H, W) of each input by name, e.g. ``{"data": net.blobs["data"].data.shape}``.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = {name: tuple(shape) for name, shape in inputs.items()}
        self.transpose: dict[str, tuple[int, ...]] = {}
        self.channel_swap: dict[str, tuple[int, ...]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Array] = {}
        self.input_scale: dict[str, float] = {}

    def _check_input(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise ValueError(f"{in_} is not one of the net inputs: {list(self.inputs)}")

    def preprocess(self, in_: str, data: Array) -> npt.NDArray[np.float32]:
        """Format an image as input `in_` wants it: float32, C x H x W with the usual transpose."""
        self._check_input(in_)
        values = data.astype(np.float32, copy=False)
        if values.shape[:2] != self.inputs[in_][2:]:
            values = resize_image(values, self.inputs[in_][2:])
        if in_ in self.transpose:
            if values.ndim != len(self.transpose[in_]):
                raise ValueError(
                    f"an image for '{in_}' has {len(self.transpose[in_])} axes (H x W x K), "
                    f"got shape {values.shape}"
                )
            values = values.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            values = values[self.channel_swap[in_], :, :]
        if in_ in self.raw_scale:
            values = values * np.float32(self.raw_scale[in_])
        if in_ in self.mean:
            values = values - self.mean[in_]
        if in_ in self.input_scale:
            values = values * np.float32(self.input_scale[in_])
        return np.asarray(values, np.float32)

    def deprocess(self, in_: str, data: Array) -> Array:
        """Undo preprocess, but for the resizing; `data` may have the axis of a batch of one."""
        self._check_input(in_)
        values = data.copy()
        if values.ndim == len(self.inputs[in_]):
            if len(values) == 1:
                values = values[0]
            elif in_ in self.transpose or in_ in self.channel_swap:
                raise ValueError(
                    f"deprocess takes one item of '{in_}', got {len(values)} (shape {values.shape})"
                )
        if in_ in self.input_scale:
            values = values / self.input_scale[in_]
        if in_ in self.mean:
            values = values + self.mean[in_]
        if in_ in self.raw_scale:
            values = values / self.raw_scale[in_]
        if in_ in self.channel_swap:
            values = values[np.argsort(self.channel_swap[in_]), :, :]
        if in_ in self.transpose:
            values = values.transpose(np.argsort(self.transpose[in_]))
        return values

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of axes, (2, 0, 1) for H x W x C images."""
        self._check_input(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ValueError(
                f"the transpose order of '{in_}' needs {len(self.inputs[in_]) - 1} axes: {order}"
            )
        self.transpose[in_] = tuple(order)

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of channels, (2, 1, 0) for RGB images and a BGR net."""
        self._check_input(in_)
        if len(order) != self.inputs[in_][1]:
            raise ValueError(
                f"the channel swap of '{in_}' needs {self.inputs[in_][1]} channels, got {order}"
            )
        self.channel_swap[in_] = tuple(order)

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Set the factor before the mean is subtracted, 255 for images in [0, 1]."""
        self._check_input(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: npt.ArrayLike) -> None:
        """Set what is subtracted: one value a channel, or an image C x H x W (resized to fit)."""
        self._check_input(in_)
        mean = np.asarray(mean)
        channels, *size = self.inputs[in_][1:]
        if mean.ndim == 1:
            if mean.shape[0] != channels:
                raise ValueError(
                    f"the mean of '{in_}' has {mean.shape[0]} values for {channels} channels"
                )
            mean = mean[:, np.newaxis, np.newaxis]
        else:
            if mean.ndim == 2:
                mean = mean[np.newaxis]
            if mean.ndim != 3 or mean.shape[0] not in (1, channels):
                raise ValueError(
                    f"the mean of '{in_}' has shape {mean.shape}; it must be C x H x W with "
                    f"C = {channels}"
                )
            if list(mean.shape[1:]) != size:
                mean = resize_image(mean.transpose(1, 2, 0), size).transpose(2, 0, 1)
        self.mean[in_] = mean.astype(np.float32)

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set the factor after the mean is subtracted."""
        self._check_input(in_)
        self.input_scale[in_] = scale


# ITU-R BT.709 luma, in scikit-image's digits.
_GREY_OF_BGR = np.array([0.0721, 0.7154, 0.2125], np.float32)


def load_image(filename: Any, color: bool = True) -> npt.NDArray[np.float32]:
    """Load an image as floats in [0, 1]: H x W x 3 (RGB), or H x W x 1 where `color` is false.

    Grey is 0.2125 R + 0.7154 G + 0.0721 B, as scikit-image has it, whose images pycaffe loads;
    ``convert_imageset --gray`` has OpenCV's weights. Transparency is left out.
    `filename` may also be a file that is open for reading bytes; it is read from its beginning.
    """
    import cv2

    if hasattr(filename, "read"):
        filename.seek(0)
        contents = filename.read()
    else:
        contents = Path(filename).read_bytes()
    # Decoders fill up with grey what a file lacks.
    if problem := _caffe.picture_problem(bytes(contents)):
        raise OSError(f"{filename}: not a readable image, as it {problem}")
    pixels = np.frombuffer(contents, np.uint8)
    try:
        image = cv2.imdecode(pixels, cv2.IMREAD_UNCHANGED) if len(pixels) else None
    except cv2.error:  # of a size that OpenCV refuses
        image = None
    if image is None:
        raise OSError(f"{filename}: not a readable image")
    largest: Any = np.iinfo(cast(Any, image.dtype)).max if image.dtype.kind in "ui" else 1
    # First, for OpenCV takes the channels of images of few types apart.
    values: Any = image.astype(np.float32) / np.float32(largest)
    channels = 1 if image.ndim == 2 else image.shape[2]
    if color:
        codes = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
        return np.asarray(cv2.cvtColor(values, codes[channels]), np.float32)
    if channels > 1:
        values = values[..., :3] @ _GREY_OF_BGR
    return np.asarray(values, np.float32).reshape(*values.shape[:2], 1)


def resize_image(
    im: Array, new_dims: Sequence[int], interp_order: int = 1
) -> npt.NDArray[np.float32]:
    """Resize H x W x K (any K) to `new_dims` = (H, W); order 0 nearest, 1 linear, 3 cubic.

    Other orders of splines (2, 4, 5) are not there.
    """
    import cv2

    methods = {0: cv2.INTER_NEAREST, 1: cv2.INTER_LINEAR, 3: cv2.INTER_CUBIC}
    if interp_order not in methods:
        raise ValueError(
            f"interp_order is 0 (nearest), 1 (linear) or 3 (cubic), not {interp_order}; "
            "for other splines use scipy.ndimage.zoom"
        )
    if np.ndim(im) != 3:
        raise ValueError(
            f"images are H x W x K, got shape {np.shape(im)}; a grey one is image[..., np.newaxis]"
        )
    height, width = (int(dim) for dim in new_dims)
    if min(height, width, *np.shape(im)) < 1:
        raise ValueError(f"an image of {np.shape(im)} cannot be resized to {height} x {width}")
    values = np.ascontiguousarray(im, np.float32)
    planes = [
        cv2.resize(values[..., k], (width, height), interpolation=methods[interp_order])
        for k in range(values.shape[2])
    ]
    return np.stack(planes, axis=-1)


def _sizes(images: Sequence[Array], crop_dims: Sequence[int]) -> tuple[int, int, int, int]:
    """Height and width of the images, and of a crop, which must fit into them."""
    if not len(images):
        raise ValueError("there are no images to cut crops out of")
    if np.ndim(images[0]) != 3:
        raise ValueError(
            "crops are cut out of a list of images H x W x K, and the first has shape "
            f"{np.shape(images[0])}; is it a single image, for [image]?"
        )
    height, width = images[0].shape[:2]
    crop_h, crop_w = (int(dim) for dim in crop_dims)
    if crop_h > height or crop_w > width:
        raise ValueError(f"a crop of {crop_h} x {crop_w} does not fit into {height} x {width}")
    return height, width, crop_h, crop_w


def centre_crops(images: Sequence[Array], crop_dims: Sequence[int]) -> Array:
    """Cut the centre out of each H x W x K image; N x h x w x K."""
    height, width, crop_h, crop_w = _sizes(images, crop_dims)
    top, left = (height - crop_h) // 2, (width - crop_w) // 2
    return np.stack([image[top : top + crop_h, left : left + crop_w] for image in images])


def oversample(images: Sequence[Array], crop_dims: Sequence[int]) -> npt.NDArray[np.float32]:
    """Cut ten crops (four corners, centre, and their mirror images) out of each H x W x K image.

    Returns (10 N) x h x w x K.
    """
    height, width, crop_h, crop_w = _sizes(images, crop_dims)
    corners = [(top, left) for top in (0, height - crop_h) for left in (0, width - crop_w)]
    corners.append(((height - crop_h) // 2, (width - crop_w) // 2))
    crops = []
    for image in images:
        plain = [image[top : top + crop_h, left : left + crop_w] for top, left in corners]
        crops.extend(plain + [crop[:, ::-1] for crop in plain])
    return np.stack(crops).astype(np.float32)
