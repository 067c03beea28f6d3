"""Polygon meshes as rows of tokens.

A mesh is vertices on a lattice of 2^bits levels an axis, and faces of three or more vertices each, given in the order
in which they are seen from outside, counter-clockwise.  z points up.

One mesh is one row of int16 tokens, as in PolyGen (Nash et al., 2020, arXiv:2002.10880), padded with −1:

    z₁+1  y₁+1  x₁+1  z₂+1 … x_V+1  0   f+2  f+2  f+2  1  f+2  f+2  f+2  f+2  1 …  f+2  0   −1 …
    └──── vertices, 0 ends them ────┘   └──── indices of vertices; 1 between faces, 0 at the end ┘

Vertices ascend by (z, y, x), no two alike.  A face starts with its lowest index; faces ascend by their lowest index,
then by the next lowest, and so on.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

END_OF_FACE, STOP, PAD = 1, 0, -1


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
