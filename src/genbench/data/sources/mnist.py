"""MNIST (LeCun, Cortes & Burges, 1998): 70,000 handwritten digits of 28×28 pixels, 256 grey levels, 10 classes."""

from genbench.data.parts import idx
from genbench.data.parts.raw import raw_folder
from genbench.data.source import Source
from genbench.data.splits import subset


def load(
    *,
    root: str = "data/raw/mnist",
    train: int | None = None,
    held_out: int | None = None,
    seed: int = 0,
) -> Source:
    """The official 60,000 and 10,000 images, or a stratified part of either; seed: of that choice.

    Raises:
        InputError: see `idx.load`, or more images asked for than there are.
    """
    return subset(idx.load(idx.MNIST, raw_folder(root)), train=train, held_out=held_out, seed=seed)
