"""Sets of images from anywhere: a folder of pictures, an array in a file, one split of a prepared dataset."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from genbench.data.parts import pictures
from genbench.data.parts.pictures import mode
from genbench.data.parts.raw import home_expanded
from genbench.data.pixels import resized, spread
from genbench.data.prepared import Prepared
from genbench.foreign import arrays
from genbench.foreign.arrays import Numbered, Reference, bright_enough, channels_first, full_range
from genbench.storage.arrays import blocks, concatenated
from genbench.storage.files import InputError

SPLIT = re.compile(r"(?P<path>.+\.safetensors)(?::(?P<split>train|held_out))?")
PICKLED = {".ckpt", ".pickle", ".pkl", ".pt", ".pth"}
PACKED = {".7z", ".gz", ".rar", ".tar", ".tgz", ".zip"}
WHOLE = 255  # the largest value of images, where nothing is known of them


class ImageSet(NamedTuple):
    """images: uint8 (n, c, h, w), full range 0 … 255.  names: of each image, for listings.

    unreadable: files left out, and why.  passed_over: how many pictures of formats that are not read there are, by
    suffix.  sha256: of the shape and the pixels.  taken_for: the range that numbers were taken for; "" of pictures.
    levels: grey levels as stored.
    """

    images: np.ndarray
    names: Sequence[str]
    source: str
    unreadable: Mapping[str, str]
    sha256: str
    passed_over: Mapping[str, int] = MappingProxyType({})
    taken_for: str = ""
    levels: int = 256

    @property
    def reference(self) -> Reference:
        """What is known of images that are compared with these."""
        return Reference(self.images.shape[1:], self.levels, int(self.images.max()))

    @property
    def is_grey_in_colour(self) -> bool:
        return self.images.shape[1] == 3 and all(_is_grey(block) for block in blocks(self.images))

    def in_grey(self) -> "ImageSet":
        """With one channel of three equal ones."""
        images = concatenated(np.ascontiguousarray(block[:, :1]) for block in blocks(self.images))
        return self._replace(images=images, sha256=_digest(images))


def read(
    source: str,
    role: str,
    *,
    size: int | None = None,
    levels: int | None = None,
    reference: Reference | None = None,
    option: str = "--levels N",
    least: int = 2,
) -> ImageSet:
    """Images of a folder (recursive), a .npz or .npy file, or `prepared.safetensors:train` or `:held_out`.

    role: "train" or "held_out" name the split that a prepared dataset without a suffix means; otherwise it is needed.
    size: resize to size × size, bicubic with antialiasing.  levels: grey levels of whole numbers, where they are known;
    option: how to say them, for messages.  reference: what is known of the images that these are compared with.
    Colour images with three equal channels become grey where the reference is grey.

    Raises:
        InputError: nothing there, mixed sizes or modes, NaN or values out of range, fewer than `least` images, more
            than a tenth of the files damaged, numbers far below the reference's range where nobody says their levels.
    """
    path, split = home_expanded(source), SPLIT.fullmatch(source)
    grey = reference is not None and reference.shape[0] == 1
    if split:
        found = _prepared(home_expanded(split["path"]), split["split"] or role, source)
    elif path.is_dir():
        found = _folder(path, source, size, levels, grey=grey)
    elif path.suffix in arrays.SUFFIXES and path.exists():
        found, levels = _array(path, source, levels, reference)
    else:
        raise InputError(_no_images(path, source))
    if len(found.images) < least:
        raise InputError(
            f"{source}: {len(found.images)} image{'s' * (len(found.images) != 1)}; expected at least {least}"
        )
    if levels is None and not split and (reference is not None or found.taken_for):
        bright_enough(found.images, source, WHOLE if reference is None else reference.top, option)
    if grey and found.is_grey_in_colour:
        found = found.in_grey()
    images = found.images if size is None else resized(found.images, size, size)
    return found._replace(images=images, sha256=_digest(images))


def samples_of(source: str, data: Prepared, *, levels: int | None = None) -> np.ndarray:
    """Samples made elsewhere as a dataset stores its elements: (n, *shape), images at the nearest of its levels.

    levels: grey levels of whole numbers, where they are not the dataset's or 0 … 255.

    Raises:
        InputError: nothing there, or something of another shape or range.
    """
    if data.card["kind"] != "image":
        return _elements(source, data)
    shape = tuple(data.train.x.shape[1:])
    top = round(data.card["range"][1] * WHOLE / (data.levels - 1))
    reference = Reference(shape, data.levels, top)
    images = read(
        source, "samples", levels=levels, reference=reference, option="`levels: N` in the entry"
    ).images
    if images.shape[1:] != shape:
        raise InputError(f"{source}: images of shape {images.shape[1:]}; expected {shape}")
    found: np.ndarray = np.round(images * ((data.levels - 1) / WHOLE)).astype(np.uint8)
    return found


def one_mode(*sets: ImageSet) -> tuple[ImageSet, ...]:
    """The sets with grey images saved in three equal channels turned grey, where some set is grey."""
    if not any(each.images.shape[1] == 1 for each in sets):
        return sets
    return tuple(each.in_grey() if each.is_grey_in_colour else each for each in sets)


def alike(*sets: ImageSet) -> None:
    """Raises InputError unless all sets have images of the shape of the first."""
    first = sets[0]
    for other in sets[1:]:
        (c, h, w), (channels, height, width) = first.images.shape[1:], other.images.shape[1:]
        if c != channels:
            raise InputError(
                f"{first.source} holds {mode(c)} images, {other.source} {mode(channels)}; expected one mode"
            )
        if (h, w) != (height, width):
            raise InputError(
                f"{first.source} holds {w}x{h} images, {other.source} {width}x{height}; "
                "expected one size, or --size N to resize all"
            )


def apart(train: ImageSet, held_out: ImageSet) -> None:
    """Raises InputError where held-out images are the training images: nothing could be calibrated on them."""
    if train.sha256 == held_out.sha256:
        raise InputError(f"{held_out.source}: the same images as {train.source}; expected held-out images")


def _elements(source: str, data: Prepared) -> np.ndarray:
    """Elements that are no images, of the dataset's type where they can be without loss."""
    path, like = home_expanded(source), data.train.x
    if path.suffix not in arrays.SUFFIXES or not path.exists():
        raise InputError(f"{source}: expected an .npz archive with an array 'x', or a .npy file")
    name, x, _ = arrays.stored(path)
    if x.dtype.kind in "buif" and like.dtype.kind in "fiu" and x.dtype != like.dtype:
        with np.errstate(invalid="ignore", over="ignore"):
            cast = x.astype(like.dtype)
        x = cast if like.dtype.kind == "f" or np.array_equal(cast, x) else x
    if problem := data.misfit(x):
        raise InputError(f"{source}: array {name!r} {problem}")
    return x


def _prepared(path: Path, split: str, source: str) -> ImageSet:
    from genbench.data.prepared import load

    if split not in ("train", "held_out"):
        raise InputError(f"{path}: which split? expected {path}:train or {path}:held_out")
    data = load(path)
    if data.card["kind"] != "image":
        raise InputError(f"{path}: a dataset of kind {data.card['kind']!r}; expected images")
    x = data.train.x if split == "train" else data.held_out.x
    return ImageSet(spread(x, data.levels), Numbered(split, len(x)), source, {}, "", levels=data.levels)


def _folder(path: Path, source: str, size: int | None, levels: int | None, *, grey: bool) -> ImageSet:
    """levels: of pictures that hold nothing above; others have their full range."""

    def fit(image: np.ndarray) -> np.ndarray:
        image = image[:1] if grey and _is_grey(image[None]) else image
        return image if size is None else resized(image[None], size, size)[0]

    found = pictures.read(path, fit, sizes=", or --size N to resize all")
    images, said = found.images, ""
    if levels is not None and levels < 256 and images.max() < levels:
        images, said = spread(images, levels), f"{levels} levels"
    return ImageSet(images, found.names, source, found.unreadable, "", found.passed_over, said)


def _array(
    path: Path, source: str, levels: int | None, reference: Reference | None
) -> tuple[ImageSet, int | None]:
    """Also how many levels its numbers were said to have, by the caller or by the file itself."""
    name, x, own = arrays.stored(path)
    levels, what = own if levels is None else levels, f"{source}: array {name!r}"
    x = channels_first(x, what, None if reference is None else reference.shape)
    images, taken_for = full_range(x, what, levels=levels, reference=reference)
    known = levels if levels is not None else 256
    taken_by_levels = taken_for.endswith("levels")
    found = ImageSet(images, Numbered(name, len(images)), source, {}, "", taken_for=taken_for, levels=known)
    return found, known if levels is not None or taken_by_levels else None


def _no_images(path: Path, source: str) -> str:
    """Why a path is no set of images, and what to do."""
    expected = "expected a folder of images, an .npz archive, a .npy file or a prepared .safetensors file"
    if not path.exists():
        return f"{source}: no such file or folder"
    if path.suffix.lower() in PICKLED:
        return (
            f"{source}: a pickle can run code and is not opened; {expected}: "
            "numpy.savez('samples.npz', x=samples.cpu().numpy())"
        )
    if path.suffix.lower() in PACKED:
        return f"{source}: {expected}; unpack it first"
    if path.suffix.lower() in pictures.SUFFIXES:
        return f"{source}: one picture; {expected}"
    return f"{source}: {expected}"


def _is_grey(images: np.ndarray) -> bool:
    """Whether all three channels of images (n, 3, h, w) are equal."""
    return images.shape[1] == 3 and bool((images[:, :1] == images[:, 1:]).all())


def _digest(images: np.ndarray) -> str:
    digest = hashlib.sha256(repr(images.shape).encode())
    for block in blocks(images):
        digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()
