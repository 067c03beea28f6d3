"""Polygon meshes: as tokens, as OBJ files, as pictures, as vectors; and what is wrong with one.

A mesh is vertices on a lattice of 2^bits levels an axis, and faces of three or more vertices each, given in the order
in which they are seen from outside, counter-clockwise.  z points up.

One mesh is one row of int16 tokens, as in PolyGen (Nash et al., 2020, arXiv:2002.10880), padded with −1:

    z₁+1  y₁+1  x₁+1  z₂+1 … x_V+1  0   f+2  f+2  f+2  1  f+2  f+2  f+2  f+2  1 …  f+2  0   −1 …
    └──── vertices, 0 ends them ────┘   └──── indices of vertices; 1 between faces, 0 at the end ┘

Vertices ascend by (z, y, x), no two alike.  A face starts with its lowest index; faces ascend by their lowest index,
then by the next lowest, and so on.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

END_OF_FACE, STOP, PAD = 1, 0, -1
FRONT, BACK, EDGE, PAPER = (112, 151, 196), (214, 96, 77), (40, 44, 52), (250, 250, 248)
AZIMUTH, ELEVATION = math.radians(-58), math.radians(24)
LIGHT = np.array([0.25, -0.6, 0.76])
FREQUENCIES, BANDWIDTH = 128, 0.15


class MeshError(ValueError):
    """Tokens that are no mesh; the message says where, what was found and what was expected."""


class Mesh(NamedTuple):
    """vertices: (V, 3), columns x, y, z: levels 0 … 2^bits−1, or lengths.  faces: indices into them."""

    vertices: np.ndarray
    faces: tuple[tuple[int, ...], ...]


def quantised(vertices: np.ndarray, *, bits: int) -> np.ndarray:
    """Lengths in [−½, ½] -> levels 0 … 2^bits−1, int64; `lengths` is the way back."""
    top = 2**bits - 1
    levels: np.ndarray = np.clip(np.floor((vertices + 0.5) * top + 0.5), 0, top).astype(np.int64)
    return levels


def lengths(levels: np.ndarray, *, bits: int) -> np.ndarray:
    """Levels -> lengths in [−½, ½]."""
    centred: np.ndarray = levels / (2**bits - 1) - 0.5
    return centred


def canonical(mesh: Mesh) -> Mesh:
    """The same mesh in the order of the tokens: vertices that coincide merged, those of no face left out.

    Faces of fewer than three different vertices vanish; what else is wrong stays wrong.
    """
    _, place = np.unique(mesh.vertices[:, ::-1], axis=0, return_inverse=True)  # rows z, y, x ascend
    place = place.reshape(-1)
    faces = [_without_repeats([int(place[i]) for i in face]) for face in mesh.faces]
    faces = [face for face in faces if len(set(face)) >= 3]
    used = sorted({i for face in faces for i in face})
    rank = {old: new for new, old in enumerate(used)}
    first = {int(p): i for i, p in reversed(list(enumerate(place)))}
    turned = [_lowest_first(tuple(rank[i] for i in face)) for face in faces]
    return Mesh(
        mesh.vertices[[first[i] for i in used]].reshape(-1, 3),
        tuple(sorted(turned, key=lambda f: (sorted(f), f))),
    )


def pack(mesh: Mesh, *, length: int) -> np.ndarray:
    """A mesh of levels in the order of the tokens -> int16 (length,).

    Raises:
        ValueError: it does not fit, or is not in order.
    """
    tokens = [int(level) + 1 for vertex in mesh.vertices for level in vertex[::-1]] + [STOP]
    for number, face in enumerate(mesh.faces):
        tokens += [END_OF_FACE] * (number > 0) + [i + 2 for i in face]
    tokens.append(STOP)
    if len(tokens) > length:
        raise ValueError(f"length: the mesh takes {len(tokens)} tokens; expected at most {length}")
    row = np.full(length, PAD, np.int16)
    row[: len(tokens)] = tokens
    unpack(row, bits=14)
    return row


def unpack(tokens: Sequence[int] | np.ndarray, *, bits: int = 8) -> Mesh:
    """One row of tokens -> the mesh.

    Raises:
        MeshError: the row is no mesh in the order above; says at which token.
    """
    row = [int(token) for token in tokens]
    if STOP not in row:
        raise MeshError(f"{len(row)} tokens and no {STOP}; expected one after the vertices")
    stop = row.index(STOP)
    vertices = _vertices(row[:stop], 2**bits)
    rest = row[stop + 1 :]
    if STOP not in rest:
        raise MeshError(f"one {STOP}, at token {stop}; expected another after the faces")
    end = rest.index(STOP)
    after = [token for token in rest[end + 1 :] if token != PAD]
    if after:
        raise MeshError(f"{after[0]} after the last {STOP}; expected only {PAD}")
    return Mesh(vertices, _faces(rest[:end], len(vertices), stop + 1))


def unpacked(rows: np.ndarray, *, bits: int = 8) -> list[Mesh | MeshError]:
    """Many rows at once; in place of a row that is no mesh stands what is wrong with it."""
    found: list[Mesh | MeshError] = []
    for row in rows:
        try:
            found.append(unpack(row, bits=bits))
        except MeshError as error:
            found.append(error)
    return found


def _vertices(tokens: list[int], levels: int) -> np.ndarray:
    for at, token in enumerate(tokens):
        if not 1 <= token <= levels:
            raise MeshError(f"token {at}: {token}; expected a coordinate, 1 to {levels}")
    if len(tokens) % 3 or not tokens:
        raise MeshError(f"{len(tokens)} coordinates; expected three a vertex and at least one vertex")
    rows = [tuple(tokens[i : i + 3]) for i in range(0, len(tokens), 3)]
    for number, (one, other) in enumerate(itertools.pairwise(rows), start=1):
        if not one < other:
            raise MeshError(f"vertex {number}: {other} after {one}; expected them to ascend by (z, y, x)")
    return np.array(rows, np.int64)[:, ::-1] - 1


def _faces(tokens: list[int], vertices: int, offset: int) -> tuple[tuple[int, ...], ...]:
    faces: list[tuple[int, ...]] = []
    face: list[int] = []
    for at, token in enumerate([*tokens, END_OF_FACE] if tokens else [], start=offset):
        if token == END_OF_FACE:
            if len(face) < 3:
                raise MeshError(f"token {at}: a face of {len(face)} vertices; expected at least 3")
            if faces and face[0] < faces[-1][0]:
                raise MeshError(
                    f"token {at}: face from {face[0]} after {faces[-1][0]}; expected them to ascend"
                )
            faces.append(tuple(face))
            face = []
            continue
        index = token - 2
        if not 0 <= index < vertices:
            raise MeshError(f"token {at}: {token}; expected a vertex, 2 to {vertices + 1}")
        if face and (index in face or index < face[0]):
            raise MeshError(f"token {at}: vertex {index} in {face}; expected a new one above {face[0]}")
        face.append(index)
    return tuple(faces)


def _without_repeats(face: list[int]) -> tuple[int, ...]:
    return tuple(i for i, before in zip(face, [face[-1], *face[:-1]], strict=True) if i != before)


def _lowest_first(face: tuple[int, ...]) -> tuple[int, ...]:
    at = face.index(min(face))
    return face[at:] + face[:at]


# What is wrong with a mesh.


def is_closed(mesh: Mesh) -> bool:
    """Whether there are faces, and each directed edge occurs once and its reverse once."""
    edges = Counter(edge for face in mesh.faces for edge in zip(face, (*face[1:], face[0]), strict=True))
    return bool(edges) and all(count == 1 and edges[edge[::-1]] == 1 for edge, count in edges.items())


def degenerate_faces(mesh: Mesh) -> list[int]:
    """Numbers of faces with an index out of range, fewer than three different vertices, or no area."""
    count = len(mesh.vertices)
    return [
        number
        for number, face in enumerate(mesh.faces)
        if any(not 0 <= i < count for i in face)
        or len(set(face)) < max(3, len(face))
        or not np.abs(normal(mesh.vertices[list(face)])).max() > 1e-12
    ]


def is_valid(mesh: Mesh) -> bool:
    """Closed, and no face degenerate."""
    return is_closed(mesh) and not degenerate_faces(mesh)


def normal(corners: np.ndarray) -> np.ndarray:
    """(k, 3) -> (3,): twice the area, pointing to where the corners run counter-clockwise; ½ Σ a×b is Newell's area."""
    return _cross(corners, np.concatenate([corners[1:], corners[:1]])).sum(axis=0)


def volume(mesh: Mesh) -> float:
    """Signed volume inside a closed mesh, ⅓ Σ centre · area: above 0 where faces point outwards."""
    corners = [mesh.vertices[list(face)].astype(np.float64) for face in mesh.faces]
    return float(sum(_cone(corner) for corner in corners))


def _cone(corners: np.ndarray) -> float:
    """The signed volume between the origin and a face, fanned out from its first corner."""
    return float((_cross(corners[1:-1], corners[2:]) @ corners[0]).sum() / 6)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(k, 3), (k, 3) -> (k, 3), many times as fast as np.cross where k is small."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)


# OBJ files.


def to_obj(mesh: Mesh, *, name: str = "mesh", bits: int = 8) -> str:
    """Wavefront OBJ: `v` and `f` lines, indices from 1, y up as most viewers have it, the longest diagonal 1."""
    points = lengths(mesh.vertices, bits=bits)
    lines = [f"o {name}", *(f"v {x:.6f} {z:.6f} {-y:.6f}" for x, y, z in points)]
    lines += ["f " + " ".join(str(i + 1) for i in face) for face in mesh.faces]
    return "\n".join(lines) + "\n"


def from_obj(text: str) -> Mesh:
    """The vertices, as lengths, and faces of an OBJ file; texture and normal indices are passed over.

    Raises:
        ValueError: a line that is no vertex or face, or a face with a vertex that is not there.
    """
    points: list[tuple[float, float, float]] = []
    faces: list[tuple[int, ...]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        word, *values = line.split() or [""]
        try:
            if word == "v":
                x, y, z = (float(value) for value in values[:3])
                points.append((x, -z, y))
            elif word == "f":
                given = [int(value.split("/")[0]) for value in values]
                faces.append(tuple(i - 1 if i > 0 else len(points) + i for i in given))
        except ValueError as error:
            raise ValueError(f"line {number}: {line!r}; expected numbers after {word!r}") from error
    if bad := [face for face in faces if any(not 0 <= i < len(points) for i in face)]:
        raise ValueError(f"face {[i + 1 for i in bad[0]]}; expected vertices from 1 to {len(points)}")
    return Mesh(np.array(points, np.float64).reshape(-1, 3), tuple(faces))


# Pictures.


def render(mesh: Mesh, *, side: int = 96, bits: int = 8) -> np.ndarray:
    """RGB uint8 (side, side, 3): flat-shaded, seen from the front right and above, without perspective.

    The outside of faces is blue, their inside red: where red shows, the surface is open or inside out.
    """
    from PIL import Image

    fine = 2 * side
    points = _projected(lengths(mesh.vertices, bits=bits)) * np.array([fine, -fine, 1]) * 0.92
    points[:, :2] += fine / 2
    depth, owner = np.full((fine, fine), -np.inf), np.full((fine, fine), -1)
    colours = np.zeros((len(mesh.faces) + 1, 3), np.uint8)
    colours[-1] = PAPER
    for number, face in enumerate(mesh.faces):
        corners = points[list(face)]
        towards = -normal(corners)[2]  # rows run downwards
        colours[number] = _shade(normal(mesh.vertices[list(face)].astype(np.float64)), towards > 0)
        _cover(corners, number, depth, owner)
    picture = colours[owner]
    picture[_outlines(owner)] = EDGE
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX))


def blank(side: int = 96) -> np.ndarray:
    """In place of a row that is no mesh: crossed out."""
    picture = np.full((side, side, 3), PAPER, np.uint8)
    for i in range(side // 4, side - side // 4):
        picture[i, [i, side - 1 - i]] = BACK
    return picture


def _projected(points: np.ndarray) -> np.ndarray:
    """x, y, z -> to the right, up, towards the eye."""
    x, y, z = points.T
    c, s = math.cos(AZIMUTH), math.sin(AZIMUTH)
    right, near = -s * x + c * y, c * x + s * y
    c, s = math.cos(ELEVATION), math.sin(ELEVATION)
    return np.stack([right, c * z - s * near, s * z + c * near], axis=1)


def _shade(direction: np.ndarray, outside: bool) -> np.ndarray:
    length = float(np.linalg.norm(direction)) or 1.0
    cosine = float(direction @ LIGHT) / (length * float(np.linalg.norm(LIGHT))) * (1 if outside else -1)
    light = 0.62 + 0.38 * cosine if cosine > 0 else 0.62 + 0.2 * cosine
    return np.round(np.array(FRONT if outside else BACK) * light * 1.15).clip(0, 255).astype(np.uint8)


def _cover(corners: np.ndarray, number: int, depth: np.ndarray, owner: np.ndarray) -> None:
    """Draw a face where it is nearest: the depth of its plane at each pixel of its polygon."""
    from PIL import Image, ImageDraw

    slope = normal(corners)
    if abs(slope[2]) < 1e-9 * max(1.0, float(np.abs(slope).max())):
        return  # seen from its edge
    stencil = Image.new("1", (depth.shape[1], depth.shape[0]))
    ImageDraw.Draw(stencil).polygon([(float(x), float(y)) for x, y, _ in corners], fill=1)
    rows, columns = np.nonzero(np.asarray(stencil))
    centre = corners.mean(axis=0)
    z = centre[2] - (slope[0] * (columns - centre[0]) + slope[1] * (rows - centre[1])) / slope[2]
    nearer = z > depth[rows, columns] + 1e-9
    depth[rows[nearer], columns[nearer]] = z[nearer]
    owner[rows[nearer], columns[nearer]] = number


def _outlines(owner: np.ndarray) -> np.ndarray:
    """Where the face changes to the right or below."""
    lines = np.zeros(owner.shape, bool)
    lines[:, :-1] |= owner[:, :-1] != owner[:, 1:]
    lines[:-1] |= owner[:-1] != owner[1:]
    return lines


# Distances.


def embedding(meshes: Iterable[Mesh | MeshError], *, bits: int = 8) -> np.ndarray:
    """(n, 2·FREQUENCIES) float64: the mean of cos(ωv), sin(ωv) over a mesh's vertices; zeros where there is no mesh.

    The Euclidean distance of two rows is the maximum mean discrepancy of the two sets of vertices (Gretton et al.,
    2012, JMLR 13) under the kernel Σ_ω cos(ω(a−b))/F, which random Fourier features (Rahimi & Recht, 2007) of a fixed
    seed take from the Gaussian kernel exp(−|a−b|²/2h²), h = 0.15 of the longest diagonal: 0 for equal sets, and for
    others only by a coincidence of 128 waves.  Faces do not count.
    """
    omega = np.random.default_rng(0).standard_normal((3, FREQUENCIES)) / BANDWIDTH
    rows = []
    for mesh in meshes:
        if isinstance(mesh, MeshError):
            rows.append(np.zeros(2 * FREQUENCIES))
            continue
        phase = lengths(mesh.vertices, bits=bits) @ omega
        waves = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
        rows.append(waves.mean(axis=0) / math.sqrt(FREQUENCIES))
    return np.array(rows).reshape(-1, 2 * FREQUENCIES)
