"""Kuzushiji-MNIST (Clanuwat et al., 2018), arXiv:1812.01718: 70,000 cursive characters in the form of MNIST."""

from genbench.data.parts import idx
from genbench.data.parts.raw import raw_folder
from genbench.data.source import Source
from genbench.data.splits import subset

PUBLISHED = idx.Published(
    folder="KMNIST",
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    packed={
        "train-images-idx3-ubyte": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte": "7320c461ea6c1c855c0b718fb2a4b134",
    },
    unpacked={},
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    about={
        "source": "Kuzushiji-MNIST (CODH, from the Kuzushiji dataset of NIJL and others), official split",
        "description": "cursive Japanese characters, 28×28 pixels",
        "licence": "CC BY-SA 4.0",
    },
)


def load(
    *,
    root: str = "data/raw/kmnist",
    train: int | None = None,
    held_out: int | None = None,
    seed: int = 0,
) -> Source:
    """The official 60,000 and 10,000 images, or a stratified part of either; seed: of that choice.

    Raises:
        InputError: see `idx.load`, or more images asked for than there are.
    """
    return subset(idx.load(PUBLISHED, raw_folder(root)), train=train, held_out=held_out, seed=seed)
