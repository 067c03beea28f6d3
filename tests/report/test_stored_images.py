"""Small images that were drawn enlarged stand in the page without the enlargement, and nothing else is touched."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from genbench.drawing.canvas import captioned
from genbench.drawing.tiles import neighbours, tile
from genbench.report.pictures import picture, reduced

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("size", "scale"), [(8, 5), (16, 2), (13, 3)])
def test_an_enlarged_image_is_stored_as_large_as_it_is(size: int, scale: int) -> None:
    images = RNG.integers(0, 17, (6, 3, size, size), dtype=np.uint8)
    small, found = reduced(tile(images, 17, columns=3))
    assert found == scale and len(small) < 0.6 * len(tile(images, 17, columns=3))
    levels = np.round(images * (255 / 16)).astype(np.uint8).transpose(0, 2, 3, 1)
    gap = (len(small) - 2 * size) // 3
    for i, image in enumerate(levels):
        top, left = gap + (i // 3) * (size + gap), gap + (i % 3) * (size + gap)
        assert np.array_equal(small[top : top + size, left : left + size], image), i


def test_copies_keep_their_frame() -> None:
    images = RNG.integers(0, 17, (4, 1, 8, 8), dtype=np.uint8)
    whole = neighbours(images, images, [True, False, True, False], 17)
    small, scale = reduced(whole)
    assert scale == 6
    red = (small == (214, 39, 40)).all(2)
    assert red.any(0).sum() == red.any(0)[: len(small[0]) // 2].sum() * 2  # the first and the third of four
    assert {tuple(colour) for colour in small.reshape(-1, 3)} == {tuple(c) for c in whole.reshape(-1, 3)}


def test_what_is_no_enlargement_stays_to_the_pixel() -> None:
    images = RNG.integers(0, 17, (6, 1, 8, 8), dtype=np.uint8)
    enlarged = tile(images, 17, columns=3)
    for each in (RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8), captioned(enlarged, "step 1,000")):
        small, scale = reduced(each)
        assert scale == 1 and np.array_equal(small, each)
    drawn = picture(enlarged, as_it_is=True)
    assert drawn is not None and drawn.crisp == 380 // enlarged.shape[1]
    content = base64.b64decode(drawn.uri.split(",")[1])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), enlarged)


def test_it_is_shown_about_as_large_as_it_was_drawn() -> None:
    images = RNG.integers(0, 17, (100, 1, 8, 8), dtype=np.uint8)
    enlarged = tile(images, 17, columns=10)
    shown, whole = picture(enlarged), picture(enlarged, as_it_is=True)
    assert shown is not None and whole is not None and shown.crisp == 5
    assert abs(shown.width - whole.width) <= 11  # a gap may be a pixel wider
    assert len(shown.uri) < 0.7 * len(whole.uri)


def test_one_colour_and_one_pixel_are_pictures_too() -> None:
    for shape in ((1, 1, 3), (30, 50, 3)):
        shown = picture(np.full(shape, 7, np.uint8), target=1)
        assert shown is not None and (shown.width, shown.height) == (shape[1], shape[0])
