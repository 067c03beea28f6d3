"""Small solids of nine classes, made up by chance: n-gon meshes as rows of tokens.

genbench.meshes has the packing, genbench.data.parts.meshes the solids.
"""

from typing import Any

import numpy as np

from genbench.data.parts.mesh_tokens import Mesh, pack
from genbench.data.parts.solids import CLASSES, drawn
from genbench.data.source import Part, Source
from genbench.storage.files import InputError

KIND = "mesh"

TRIES = 50  # a mesh this often drawn before is taken to mean that there are no more


def load(*, train: int = 2000, held_out: int = 500, bits: int = 8, seed: int = 0) -> Source:
    """So many meshes of each part, classes in turn, no two the same: none of held-out is in train.

    bits: of each coordinate.  The length of the rows is that of the longest mesh.

    Raises:
        InputError: an option outside what it can be, or a lattice with fewer different meshes than asked for.
    """
    for option, value, low, high in (
        ("train", train, 1, 10**6),
        ("held_out", held_out, 1, 10**6),
        ("bits", bits, 4, 10),
        ("seed", seed, 0, 2**32 - 1),
    ):
        if not low <= value <= high:
            raise InputError(f"{option}: got {value}; expected {low} to {high}")
    rng = np.random.default_rng(seed)
    meshes, labels = _different(train + held_out, rng, bits=bits)
    length = max(tokens(mesh) for mesh in meshes)
    order = rng.permutation(len(meshes))
    rows = np.stack([pack(meshes[i], length=length) for i in order])
    classes = labels[order]
    return Source(
        train=Part(rows[:train], classes[:train]),
        held_out=Part(rows[train:], classes[train:]),
        levels=0,
        classes=len(CLASSES),
        about=_about(meshes, bits=bits, length=length),
        kind="mesh",
    )


def tokens(mesh: Mesh) -> int:
    """How many tokens a mesh takes: three a vertex, one a corner, one after each face and one after the vertices."""
    return 3 * len(mesh.vertices) + 1 + sum(len(face) + 1 for face in mesh.faces)


def _different(n: int, rng: np.random.Generator, *, bits: int) -> tuple[list[Mesh], np.ndarray]:
    """n meshes, no two alike, and their classes: mesh i is of class i modulo their number."""
    meshes: list[Mesh] = []
    seen: set[tuple[Any, ...]] = set()
    names = list(CLASSES)
    for i in range(n):
        name = names[i % len(names)]
        for _ in range(TRIES):
            mesh = drawn(name, rng, bits=bits)
            key = None if mesh is None else (mesh.vertices.tobytes(), mesh.faces)
            if mesh is not None and key not in seen:
                break
        else:
            raise InputError(
                f"bits: with {bits} there are not {n} different meshes; {TRIES} tries gave no new {name}; "
                "expected more bits or fewer meshes"
            )
        seen.add(key or ())
        meshes.append(mesh)
    return meshes, np.arange(n) % len(names)


def _about(meshes: list[Mesh], *, bits: int, length: int) -> dict[str, Any]:
    count = len(meshes)
    return {
        "source": "drawn by genbench.data.meshes",
        "description": f"small closed solids of {len(CLASSES)} classes ({', '.join(CLASSES)}), n-gon meshes on a "
        f"lattice of {2**bits} levels an axis",
        "licence": "CC0 1.0",
        "class_names": list(CLASSES),
        "bits": bits,
        "tokens": length,
        "mean_vertices": round(sum(len(mesh.vertices) for mesh in meshes) / count, 3),
        "mean_faces": round(sum(len(mesh.faces) for mesh in meshes) / count, 3),
    }
