"""The film of a training that was watched more often than a page has room for."""

import numpy as np

from genbench.report.frames import film


def test_of_many_moments_eight_are_shown_from_the_first_to_the_last() -> None:
    card = {"kind": "image", "levels": 17}
    x = np.random.default_rng(0).integers(0, 17, (65, 3, 1, 8, 8), dtype=np.uint8)
    frames = {"step": np.arange(65) * 10, "x": x}
    chosen = [0, 9, 18, 27, 37, 46, 55, 64]
    shown = film({name: values[chosen] for name, values in frames.items()}, card)
    found = film(frames, card)
    assert np.array_equal(found.still, shown.still)
    assert found.reel == shown.reel


def test_every_moment_lies_where_the_reel_says() -> None:
    card = {"kind": "image", "levels": 17}
    x = np.random.default_rng(0).integers(0, 17, (7, 3, 1, 8, 8), dtype=np.uint8)
    frames = {"step": np.arange(7), "x": x}
    still, reel = film(frames, card)
    assert reel.moments == 7
    for i in range(reel.moments):
        top, left = (
            (i // reel.columns) * (reel.height + reel.gap),
            (i % reel.columns) * (reel.width + reel.gap),
        )
        alone = film({name: values[i : i + 1] for name, values in frames.items()}, card).still
        assert np.array_equal(
            still[top : top + reel.height, left : left + reel.width], alone[: reel.height, : reel.width]
        )
