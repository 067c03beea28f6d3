"""Closed solids drawn from a few numbers each: polygons that are extruded, and polygons whose rings are stacked.

Every function of CLASSES takes a random generator and gives vertices (V, 3), z up, at any scale, and faces.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from genbench.data.parts.mesh_geometry import is_valid, volume
from genbench.data.parts.mesh_tokens import Mesh, canonical, quantised

Uniform = np.random.Generator


def extruded(profile: Sequence[tuple[float, float]], depth: float) -> Mesh:
    """A polygon of (x, z), swept along y: two faces of that shape and a rectangle for each side."""
    m = len(profile)
    vertices = np.array([(x, y, z) for y in (0.0, depth) for x, z in profile])
    sides = [((i + 1) % m, i, m + i, m + (i + 1) % m) for i in range(m)]
    return Mesh(vertices, (tuple(range(m)), tuple(range(2 * m - 1, m - 1, -1)), *sides))


def stacked(rings: Sequence[tuple[float, float]], n: int, aspect: float = 1.0) -> Mesh:
    """Rings of n corners, (radius, z) from below: joined by quadrilaterals, closed by n-gons; radius 0 is a tip."""
    angles = 2 * math.pi * (np.arange(n) + 0.5) / n
    points: list[tuple[float, float, float]] = []
    rows: list[list[int]] = []
    for radius, z in rings:
        start = len(points)
        if radius > 0:
            points += [(radius * math.cos(a), aspect * radius * math.sin(a), z) for a in angles]
            rows.append(list(range(start, start + n)))
        else:
            points.append((0.0, 0.0, z))
            rows.append([start] * n)
    faces: list[tuple[int, ...]] = [tuple(reversed(rows[0])), tuple(rows[-1])]
    for low, high in itertools.pairwise(rows):
        for i in range(n):
            j = (i + 1) % n
            faces.append(tuple(dict.fromkeys((low[i], low[j], high[j], high[i]))))
    return Mesh(np.array(points), tuple(face for face in faces if len(set(face)) >= 3))


def box(rng: Uniform) -> Mesh:
    w, d, h = rng.uniform(0.3, 1.0, 3)
    return extruded([(0, 0), (w, 0), (w, h), (0, h)], d)


def prism(rng: Uniform) -> Mesh:
    n = int(rng.choice([3, 5, 6]))
    return stacked([(1, 0), (1, rng.uniform(0.4, 3.0))], n, rng.uniform(0.7, 1.0))


def pyramid(rng: Uniform) -> Mesh:
    n = int(rng.integers(3, 7))
    return stacked([(1, 0), (0, rng.uniform(0.6, 3.0))], n, rng.uniform(0.7, 1.0))


def gem(rng: Uniform) -> Mesh:
    """Two pyramids, base to base."""
    n = int(rng.integers(4, 7))
    return stacked([(0, -rng.uniform(0.8, 2.0)), (1, 0), (0, rng.uniform(0.4, 0.9))], n)


def house(rng: Uniform) -> Mesh:
    w, wall, roof = rng.uniform(0.6, 1.2), rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.6)
    return extruded([(0, 0), (w, 0), (w, wall), (w / 2, wall + roof), (0, wall)], rng.uniform(0.6, 1.8))


def table(rng: Uniform) -> Mesh:
    """A slab on two panels."""
    w, h, slab, leg = (
        rng.uniform(1.0, 2.0),
        rng.uniform(0.6, 1.0),
        rng.uniform(0.08, 0.2),
        rng.uniform(0.08, 0.25),
    )
    inner = h - slab
    profile = [(0, 0), (leg, 0), (leg, inner), (w - leg, inner), (w - leg, 0), (w, 0), (w, h), (0, h)]
    return extruded(profile, rng.uniform(0.6, 1.4))


def chair(rng: Uniform) -> Mesh:
    """A table's profile with a back that goes on upwards."""
    w, seat, back = rng.uniform(0.8, 1.1), rng.uniform(0.6, 0.9), rng.uniform(0.6, 1.1)
    leg, slab = rng.uniform(0.1, 0.22), rng.uniform(0.1, 0.22)
    inner = seat - slab
    profile = [(0, 0), (leg, 0), (leg, inner), (w - leg, inner), (w - leg, 0), (w, 0), (w, seat)]
    return extruded([*profile, (leg, seat), (leg, seat + back), (0, seat + back)], rng.uniform(0.7, 1.1))


def stairs(rng: Uniform) -> Mesh:
    steps, run, rise = int(rng.integers(2, 5)), rng.uniform(0.25, 0.5), rng.uniform(0.2, 0.4)
    profile = [(0.0, 0.0), (steps * run, 0.0)]
    for i in range(steps):
        profile += [((steps - i) * run, (i + 1) * rise), ((steps - i - 1) * run, (i + 1) * rise)]
    return extruded(profile, rng.uniform(0.5, 1.5))


def goblet(rng: Uniform) -> Mesh:
    """A foot, a waist and a rim."""
    waist = rng.uniform(0.5, 1.3)
    rings = [(rng.uniform(0.5, 0.9), 0), (rng.uniform(0.12, 0.35), waist), (1, waist + rng.uniform(0.4, 1.2))]
    return stacked(rings, int(rng.integers(4, 7)))


CLASSES: dict[str, Callable[[Uniform], Mesh]] = {
    "box": box,
    "prism": prism,
    "pyramid": pyramid,
    "gem": gem,
    "house": house,
    "table": table,
    "chair": chair,
    "stairs": stairs,
    "goblet": goblet,
}


def normalised(vertices: np.ndarray) -> np.ndarray:
    """Moved and scaled: the bounding box is centred on 0 and its diagonal is 1, as in PolyGen."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    centred: np.ndarray = (vertices - (low + high) / 2) / np.linalg.norm(high - low)
    return centred


def drawn(name: str, rng: Uniform, *, bits: int) -> Mesh | None:
    """A mesh of one class on the lattice, in the order of the tokens; None where the lattice is too coarse for it."""
    solid = CLASSES[name](rng)
    mesh = canonical(Mesh(quantised(normalised(solid.vertices), bits=bits), solid.faces))
    return mesh if is_valid(mesh) and volume(mesh) > 0 else None
