"""Wavefront OBJ files of meshes."""

from genbench.data.parts.mesh_tokens import Mesh, lengths


def to_obj(mesh: Mesh, *, name: str = "mesh", bits: int = 8) -> str:
    """Wavefront OBJ: `v` and `f` lines, indices from 1, y up as most viewers have it, the longest diagonal 1."""
    points = lengths(mesh.vertices, bits=bits)
    lines = [f"o {name}", *(f"v {x:.6f} {z:.6f} {-y:.6f}" for x, y, z in points)]
    lines += ["f " + " ".join(str(i + 1) for i in face) for face in mesh.faces]
    return "\n".join(lines) + "\n"
