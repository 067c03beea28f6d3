"""Any folder of images: png, jpg, webp or bmp, one level of class folders or none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genbench.data.parts import pictures
from genbench.data.parts.raw import raw_folder
from genbench.data.source import Part, Source
from genbench.storage.arrays import blocks
from genbench.storage.files import InputError, sha256

FLAT = "all"  # the class of images that lie in no class folder


def load(
    *,
    root: str,
    size: int,
    held_out: float = 0.2,
    grey: bool = False,
    rgb: bool = False,
    licence: str = "not stated",
) -> Source:
    """Images cropped to their central square and resized to size × size, bicubic with antialiasing.

    A subfolder is a class; a folder without subfolders is one class.  What is held out follows from the hash of an
    image's pixels: equal images stay on one side, and more images move none of those that were there.

    held_out: share of the images, met in expectation.  grey, rgb: turn every image into that mode; without, all must
    have one.  licence: for the card.

    Raises:
        InputError: see `pictures.read`; folders within folders, images beside folders, options out of range.
    """
    fit = pictures.fitting(size, grey=grey, rgb=rgb)
    if not 0 < held_out < 1:
        raise InputError(f"held_out: got {held_out}; expected a share between 0 and 1")
    folder = raw_folder(root)
    if not folder.is_dir():
        raise InputError(f"root: {root}: no such folder; expected a folder of images")
    found = pictures.read(folder, fit, modes=", or `grey: true` or `rgb: true` to make all alike")
    class_names, labels = _classes(folder, found.names)
    digests = [sha256(image.tobytes()) for block in blocks(found.images) for image in block]
    # By hash, both parts come in an order that has nothing to do with names or classes.
    order = np.array(sorted(range(len(digests)), key=digests.__getitem__))
    is_held_out = np.array([int(digests[i][:16], 16) < held_out * 2**64 for i in order])
    every = Part(found.images, labels)
    about = {
        "source": f"the folder {folder.resolve().name}",
        "description": f"{len(digests)} images of {_said(class_names)}, cropped and resized to {size}×{size} pixels",
        "licence": licence,
        "class_names": class_names,
        "split": "by hash of the pixels",
        **found.left_out,
    }
    return Source(
        every.take(order[~is_held_out]),
        every.take(order[is_held_out]),
        256,
        len(class_names),
        about,
    )


def _classes(root: Path, names: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The names of the classes in alphabetical order, and each image's class (n,)."""
    folders = [Path(name).parent.as_posix() for name in names]
    class_names = sorted(set(folders))
    for name, folder in zip(names, folders, strict=True):
        if "/" in folder:
            raise InputError(f"{root}/{name}: a folder within a class; expected {root}/<class>/<image>")
        if folder == "." and len(class_names) > 1:
            raise InputError(
                f"{root}/{name}: an image beside class folders; expected all images in class folders, or none"
            )
    at = {folder: i for i, folder in enumerate(class_names)}
    return [FLAT if name == "." else name for name in class_names], np.array(
        [at[folder] for folder in folders], np.int64
    )


def _said(class_names: list[str]) -> str:
    if len(class_names) == 1:
        return "1 class (too few for the domain classifier, which needs 2)"
    return f"{len(class_names)} classes"
