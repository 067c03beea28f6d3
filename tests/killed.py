"""Trainings that end before their time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from genbench.training import checkpoint, loop


class KilledError(Exception):
    pass


@contextmanager
def killed_at(stop: int) -> Iterator[None]:
    """The training inside ends before this step, with a checkpoint after every step until then."""
    original = loop._Loop.step

    def step(own: Any, number: int, sums: Any) -> None:
        if number == stop:
            raise KilledError
        original(own, number, sums)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "SECONDS", -1.0)
        patch.setattr(loop._Loop, "step", step)
        with pytest.raises(KilledError):
            yield
