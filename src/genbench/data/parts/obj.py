"""Wavefront OBJ files of meshes."""

import numpy as np

from genbench.data.parts.mesh_tokens import Mesh, lengths


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
