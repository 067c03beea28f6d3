"""Products of bytes change no neighbour, and stand for floats to 16 bits."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from genbench.runtime import environment
from genbench.scoring import byte_products, candidates, metrics, neighbours
from genbench.scoring.metrics import kernel


def exact(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> np.ndarray:
    np.matmul(left.astype(np.int32), right.T.astype(np.int32), out=out)
    return out


def saturated(left: torch.Tensor, right: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """As units do that add pairs of products in 16 bits."""
    products = left.int()[:, :, None] * right.int()[None]
    pairs = (products[:, ::2] + products[:, 1::2]).clip(-(2**15), 2**15 - 1)
    return torch.sum(pairs, 1, out=out)


@pytest.fixture
def bytewise(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes that were multiplied, where every product of bytes is taken as such."""
    shapes: list[tuple[int, ...]] = []

    def product(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> np.ndarray:
        shapes.append((*left.shape, *right.shape))
        return exact(left, right, out)

    monkeypatch.setattr(neighbours, "fast_product", lambda _: product)
    monkeypatch.setattr(neighbours, "ROWS", 50)
    monkeypatch.setattr(neighbours, "BYTE_COLUMNS", 70)
    return shapes


SETS: dict[str, Any] = {
    "noise": lambda rng, n: rng.integers(0, 256, (n, 30)),
    "nearly white": lambda rng, n: 255 - rng.integers(0, 3, (n, 30)),
    "black or white": lambda rng, n: 255 * (rng.random((n, 30)) < 0.1),
    "hundreds of duplicates": lambda rng, n: rng.integers(0, 256, (3, 30))[rng.integers(0, 3, n)],
}


@pytest.mark.parametrize("k", [1, 2, 7])
@pytest.mark.parametrize("kind", SETS)
def test_bytes_have_the_neighbours_of_the_same_floats(
    kind: str, k: int, bytewise: list[tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(0)
    train, queries = (SETS[kind](rng, n).astype(np.uint8) for n in (401, 123))
    queries[:9] = train[-9:]
    found, indices = metrics.nearest(train, queries, k=k)
    assert len(bytewise) >= 6 * 3
    bytewise.clear()
    expected, places = metrics.nearest(train.astype(np.float64), queries.astype(np.float64), k=k)
    assert not bytewise
    assert (found == expected).all() and (indices == places).all()


def test_what_multiplies_inexactly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in (byte_products._exact, byte_products._faster):
        found.cache_clear()
    monkeypatch.setattr(byte_products, "TRIAL", (16, 20, 30))
    monkeypatch.setattr(torch, "_int_mm", saturated)
    assert byte_products.fast_product(1e15) is None
    assert byte_products.matrix_unit_product(1e15) is None
    for found in (byte_products._exact, byte_products._faster):
        found.cache_clear()
    monkeypatch.setattr(torch, "_int_mm", lambda left, right, out: torch.mm(left.int(), right.int(), out=out))
    monkeypatch.setattr(byte_products, "_seconds", lambda call: 0.0 if call() is not None else 1.0)
    assert byte_products.fast_product(1e15) is None  # as fast as float32 is not faster
    for found in (byte_products._exact, byte_products._faster):
        found.cache_clear()


def test_short_products_are_left_to_numpy() -> None:
    assert byte_products.fast_product(byte_products.WORTH / 2) is None
    assert byte_products.matrix_unit_product(byte_products.WORTH_AN_IMPORT / 2) is None


def test_numbers_of_16_bits_are_off_by_half_a_unit() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20, 300)) * np.logspace(-3, 3, 20)[:, None]
    rows[4], rows[5] = 0, -rows[6]
    held = byte_products.fixed(rows)
    back = (256.0 * held.high + held.low) * held.unit[:, None]
    assert (np.abs(back - rows) <= 0.501 * held.unit[:, None]).all()
    largest = np.abs(rows).max(axis=1)[6:] / held.unit[6:]
    assert largest == pytest.approx(byte_products.LARGEST, rel=1e-6)


def test_inner_products_of_16_bits_are_those_of_the_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 500)), rng.normal(size=(33, 500))
    y[:5] = x[:5]  # an error that all numbers of two equal rows share would not average out
    monkeypatch.setattr(byte_products, "STRIP", 16)
    multiply = byte_products.InnerProducts(exact, 40)
    found = multiply(byte_products.fixed(x), byte_products.fixed(y))
    lengths = np.sqrt((x**2).sum(1)[:, None] * (y**2).sum(1))
    assert (np.abs(found - x @ y.T) < 1e-5 * lengths).all()
    assert np.abs(found - x @ y.T).mean() < 3e-6 * lengths.mean()


def test_kernel_distance_of_16_bits_agrees_with_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    x, y = np.abs(rng.normal(size=(90, 60))), np.abs(rng.normal(size=(80, 60)) + 0.3)
    draws = rng.integers(0, 3, (5, 90)), rng.integers(0, 3, (5, 80))
    expected, replicates = metrics.kernel_distance(x, y), metrics.kernel_replicates(x, y, *draws)
    monkeypatch.setattr(kernel, "matrix_unit_product", lambda _: exact)
    monkeypatch.setattr(kernel, "BLOCK", 32)
    found = metrics.kernel_distance(x, y)
    assert found == pytest.approx(expected, rel=1e-4) and found != expected
    for one, other in zip(metrics.kernel_replicates(x, y, *draws), replicates, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * expected.value)


def test_a_stage_that_multiplies_bytes_alone_is_not_held_to_avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert byte_products.HOLD in environment.AVX2
    monkeypatch.setenv(byte_products.HOLD, "AVX2")
    with byte_products.every_instruction():
        assert byte_products.HOLD not in os.environ
    assert os.environ[byte_products.HOLD] == "AVX2"
    monkeypatch.delenv(byte_products.HOLD)
    with byte_products.every_instruction():
        pass
    assert byte_products.HOLD not in os.environ


def test_held_to_avx2_no_float_becomes_bytes() -> None:
    """What is held to one instruction set gives the same numbers on a processor with a matrix unit and without."""
    code = (
        "from genbench.runtime import environment; environment.fix()\n"
        "from genbench.scoring.byte_products import matrix_unit_product\n"
        "assert not environment.has_avx2() or matrix_unit_product(1e15) is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("shape", [(1, 9, 7), (3, 6, 8), (1, 40, 40)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_candidates_are_compared_as_written(shape: tuple[int, ...], kind: type) -> None:
    """Against the differences themselves, shift by shift, and images of mean 0 and norm 1."""
    rng = np.random.default_rng(3)
    images, others = (rng.integers(0, 256, (6, *more, *shape)).astype(kind) for more in ((), (4,)))
    images[2], others[2, 1], others[3, 0] = 7, 9, 200
    others[4, 2], others[5, 3, ..., 1:, :] = (
        images[4],
        images[5, ..., :-1, :],
    )  # a copy, and one that is moved
    height, width = shape[1:]

    def gap(r: int, c: int) -> np.ndarray:
        def cut(x: np.ndarray, r: int, c: int) -> np.ndarray:
            return x[..., max(r, 0) : height + min(r, 0), max(c, 0) : width + min(c, 0)].astype(np.float64)

        return np.sqrt(((cut(others, -r, -c) - cut(images, r, c)[:, None]) ** 2).mean(axis=(2, 3, 4)))

    expected = np.min([gap(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)], axis=0)
    found = candidates.shifted(1)(images, others)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-5)
    assert expected[5, 3] == 0
    if kind is np.uint8:
        assert found[4, 2] == found[5, 3] == 0

    def unit(x: np.ndarray, one_colour: float) -> np.ndarray:
        rows = x.reshape(*x.shape[:-3], -1).astype(np.float64)
        rows -= rows.mean(axis=-1, keepdims=True)
        norm = np.sqrt((rows**2).sum(axis=-1, keepdims=True))
        return np.where(norm > 0, rows / np.where(norm > 0, norm, 1), one_colour / rows.shape[-1] ** 0.5)

    expected = np.sqrt(((unit(others, 4.0) - unit(images, 0.0)[:, None]) ** 2).sum(axis=2))
    found = candidates.contrast(4.0)(images, others)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-6)
    if kind is np.uint8:
        assert found[4, 2] == 0
