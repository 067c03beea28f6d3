"""Images of other sizes: a pixel of a smaller image is the mean of its area."""

import numpy as np

from genbench.data.pixels import reduced, resized


def test_a_reduced_pixel_is_the_mean_of_its_area_also_where_it_cuts_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 3, 7, 14), np.uint8)
    small = reduced(images, 4)
    assert small.shape == (5, 3, 2, 4) and small.dtype == np.uint8
    fine = images.repeat(2, axis=2).repeat(2, axis=3)  # two by two for each pixel: no edge cuts these
    means = fine.reshape(5, 3, 2, 7, 4, 7).mean((3, 5))
    assert np.abs(small - means).max() <= 0.5 + 1e-4
    even = np.full((1, 1, 9, 9), 201, np.uint8)
    assert (reduced(even, 4) == 201).all()


def test_images_small_enough_stay_what_they_are() -> None:
    images = np.zeros((2, 1, 8, 6), np.uint8)
    assert reduced(images, 8) is images
    assert resized(images, 8, 6) is images
