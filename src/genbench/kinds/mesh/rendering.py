"""Pictures of meshes: flat-shaded, seen from the front right and above, without perspective."""

import math

import numpy as np

from genbench.data.parts.mesh_geometry import normal
from genbench.data.parts.mesh_tokens import Mesh, lengths

FRONT, BACK, EDGE, PAPER = (112, 151, 196), (214, 96, 77), (40, 44, 52), (250, 250, 248)
AZIMUTH, ELEVATION = math.radians(-58), math.radians(24)


LIGHT = np.array([0.25, -0.6, 0.76])


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
