"""What controls keep of the training data."""

import pytest
import torch

from genbench.core import Batch, Space
from genbench.models.controls.few_classes import FewClasses
from genbench.models.controls.two_in_turns import TwoInTurns
from genbench.nn.copies import of_classes

LABELS = torch.tensor([2, 0, 1, 0, 2])
BATCH = Batch(torch.arange(5.0)[:, None], LABELS)


def test_elements_of_classes_keep_their_order() -> None:
    assert of_classes(BATCH, [0, 2]).flatten().tolist() == [0, 1, 3, 4]
    assert of_classes(BATCH, range(1)).flatten().tolist() == [1, 3]


def test_what_leaves_classes_out_refuses_data_that_have_too_few() -> None:
    with pytest.raises(ValueError, match="the dataset has no classes"):
        FewClasses(Space("points", (2,), 0))
    with pytest.raises(ValueError, match="classes: got 4; expected 1 to 3"):
        FewClasses(Space("points", (2,), 0, 3), classes=4)
    with pytest.raises(ValueError, match="the dataset has 1 classes; expected two or more"):
        TwoInTurns(Space("points", (2,), 0, 1))
