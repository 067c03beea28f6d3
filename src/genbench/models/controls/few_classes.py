"""Control: training images of a few classes alone.  What a generator that drops classes would give.

One class is a collapse; of seven in ten it is said that they are not all held.
"""

from typing import ClassVar

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.nn.copies import of_classes, without_replacement


class FewClasses(GenerativeModel):
    """classes: the first so many of the dataset's.  Of a large set a part is kept."""

    tiny: ClassVar = {"classes": 2}
    independent = False

    images: Tensor

    def __init__(self, space: Space, *, classes: int = 1) -> None:
        super().__init__(space)
        if not space.classes:
            raise ValueError("the dataset has no classes; expected some to leave out")
        if not 1 <= classes <= space.classes:
            raise ValueError(f"classes: got {classes}; expected 1 to {space.classes}, those of the dataset")
        self.classes = classes
        self.register_buffer("images", torch.zeros(0, *space.shape))

    def fit(self, splits: Splits) -> None:
        self.images = of_classes(splits.train.some(), range(self.classes))

    def phases(self) -> list[Phase]:
        return [Phase("keep a few classes", fit=self.fit)]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return without_replacement(self.images, n, rng)
