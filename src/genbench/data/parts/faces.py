"""The pencil behind `genbench.data.sources.faces`: from factors to pixels.

Shapes are signed distances turned into coverage, painted back to front; rows that a shape never reaches are left out.
Pixels come from + − × ÷ and square roots alone, which IEEE 754 rounds the same everywhere: the same factors give the
same bytes on any machine and in any batch.  Inside, the batch is the last axis, so NumPy's inner loops run over images.

Coordinates: the picture spans −1 … 1 both ways, y downwards.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from genbench.storage.arrays import concatenated, slices
from genbench.storage.files import InputError

# A factor is discrete, with names for its values 0, 1, …, or continuous, with its lowest and highest value.
DISCRETE: dict[str, tuple[str, ...]] = {
    "hair": ("bald", "short", "fringe", "long", "bun", "afro"),
    "hair_colour": ("black", "brown", "red", "blond", "grey"),
    "glasses": ("none", "round", "square", "tinted"),
    "background": ("cream", "peach", "rose", "sage", "mint", "sky", "teal", "mustard"),
}
TRAITS: dict[str, tuple[float, float]] = {  # what makes an identity
    "head_width": (0.56, 0.74),
    "head_height": (0.62, 0.78),
    "eye_distance": (0.40, 0.52),
    "nose_length": (0.06, 0.22),
    "brow": (0.03, 0.09),
}
CONTINUOUS: dict[str, tuple[float, float]] = {
    **TRAITS,
    "skin": (0.0, 1.0),
    "smile": (-1.0, 1.0),
    "pose": (-1.0, 1.0),
    "gaze": (-1.0, 1.0),
}
FACTORS: dict[str, tuple[str, ...] | tuple[float, float]] = {**DISCRETE, **CONTINUOUS}
SMALLEST, LARGEST = 12, 4096  # pixels a side
MOST_IDENTITIES = 2**24  # as far as float32 counts

# No colour but the iris is bluer than it is green by more than 6 levels: `count_eyes` relies on it.
BACKGROUND = [
    (246, 238, 216), (250, 206, 172), (226, 158, 162), (168, 192, 150),
    (178, 226, 202), (158, 208, 214), (84, 150, 154), (222, 186, 84),
]  # fmt: skip
HAIR_COLOUR = [(30, 26, 26), (98, 62, 36), (176, 74, 30), (232, 192, 104), (164, 162, 160)]
SKIN = [(255, 226, 200), (240, 192, 152), (205, 146, 100), (146, 92, 58), (88, 54, 38)]
FRAME = [(0, 0, 0), (176, 36, 40), (24, 24, 26), (52, 44, 40)]
IRIS, SCLERA, LIPS, SHIRT = (34, 30, 168), (252, 252, 255), (196, 54, 60), (78, 82, 88)


class _Hair(NamedTuple):
    """Shapes of hair.

    Behind the head: an ellipse so much wider and higher than the head.  Below its centre, heights count `droop` times
    (0: it goes straight down), and it is cut at `end`; on top is a bun of that radius.  Before the head: the same, down
    to middle + part·|u| + side·u⁴, where u runs over the face's width.
    """

    wider: np.ndarray
    higher: np.ndarray
    droop: np.ndarray
    end: np.ndarray
    middle: np.ndarray
    part: np.ndarray
    side: np.ndarray
    bun: np.ndarray


HAIR = np.array(  # a row per shape, a column per field of _Hair
    [
        (-0.30, -0.30, 1.0, -2.00, -2.00, 0.00, 0.00, 0.0),  # bald: nothing reaches that high
        (0.05, 0.10, 0.5, 0.05, -0.40, 0.00, 0.35, 0.0),  # short
        (0.09, 0.12, 0.0, 0.46, -0.26, 0.00, 0.40, 0.0),  # fringe
        (0.12, 0.12, 0.0, 0.94, -0.56, 0.35, 0.45, 0.0),  # long
        (0.03, 0.06, 0.8, 0.05, -0.48, 0.00, 0.35, 0.2),  # bun
        (0.28, 0.26, 1.7, 0.70, -0.42, 0.00, 0.28, 0.0),  # afro
    ],
    np.float32,
)
CENTRE, EYES = 0.08, 0.05  # heights of the head's centre and of the eyes
EYE_WIDTH, EYE_HEIGHT, IRIS_RADIUS, LENS_RADIUS = 0.16, 0.145, 0.095, 0.225
TURN = 0.36  # the sine of the head's turn at pose 1: 21 degrees
CHUNK = 65536  # pixels at a time: few calls, and the planes stay in the cache


class Scene(NamedTuple):
    """What the light makes of a picture: the background's colours times `shade`, then everything times `light`."""

    shade: tuple[float, float, float]
    light: tuple[float, float, float]


DAY = Scene(shade=(1.0, 1.0, 1.0), light=(1.0, 1.0, 1.0))
NIGHT = Scene(shade=(0.3, 0.35, 0.5), light=(0.7, 0.75, 1.0))  # a lamp before the face, blue darkness behind


class Factors(NamedTuple):
    """One array (n,) per factor.  `identity` says who it is; what is drawn of it are the five traits after it."""

    identity: np.ndarray
    head_width: np.ndarray
    head_height: np.ndarray
    eye_distance: np.ndarray
    nose_length: np.ndarray
    brow: np.ndarray
    skin: np.ndarray
    hair: np.ndarray
    hair_colour: np.ndarray
    glasses: np.ndarray
    smile: np.ndarray
    pose: np.ndarray
    gaze: np.ndarray
    background: np.ndarray


def render(factors: Factors, *, size: int = 32, scene: Scene = DAY) -> np.ndarray:
    """uint8 (n, 3, size, size), levels 0 … 255.

    Raises:
        InputError: a size below 12, arrays of different lengths, or a value that the factor does not have.
    """
    factors = _checked(factors, size)
    n = len(factors.identity)
    if not n:
        return np.empty((0, 3, size, size), np.uint8)
    parts = slices(n, max(16, CHUNK // size**2))
    drawn = (_draw(Factors(*(values[part] for values in factors)), size, scene) for part in parts)
    return concatenated(np.ascontiguousarray(chunk.transpose(3, 0, 1, 2)) for chunk in drawn)


def _checked(factors: Factors, size: int) -> Factors:
    """The factors as float32 and int64 arrays."""
    if not SMALLEST <= size <= LARGEST:
        raise InputError(f"size: got {size}; expected {SMALLEST} to {LARGEST} pixels")
    found, n = {}, np.size(factors.identity)
    for name, given in factors._asdict().items():
        values = np.asarray(given)
        if values.shape != (n,):
            raise InputError(f"factors.{name}: got shape {values.shape}; expected ({n},)")
        low, high = CONTINUOUS.get(name, (0, len(DISCRETE.get(name, range(MOST_IDENTITIES))) - 1))
        values = values.astype(np.float32)
        # Ends are compared in float32, as factors are stored.
        wrong = ~((values >= np.float32(low)) & (values <= np.float32(high)))
        if name not in CONTINUOUS:
            wrong |= values != np.floor(values)
        if wrong.any():
            kind = "between" if name in CONTINUOUS else "a whole number between"
            raise InputError(f"factors.{name}: got {values[wrong][0]}; expected {kind} {low} and {high}")
        found[name] = values if name in CONTINUOUS else values.astype(np.int64)
    return Factors(**found)


class _Canvas:
    """Pictures being painted, (3, h, w, n), and the coordinates of their pixels."""

    def __init__(self, size: int, colour: np.ndarray) -> None:
        self.size = size
        self.planes = np.empty((3, size, size, colour.shape[1]), np.float32)
        self.planes[:] = colour[:, None, None]
        self.places = (2 * np.arange(size, dtype=np.float32) + 1 - size) / np.float32(size)
        self.x = self.places[:, None]  # (w, 1)

    def rows(self, top: float, bottom: float) -> tuple[slice, np.ndarray]:
        """The rows that a shape between two heights can touch, and their heights (rows, 1, 1)."""
        first, last = (int((edge + 1) / 2 * self.size) for edge in (top, bottom))
        rows = slice(max(0, first - 1), last + 2)
        return rows, self.places[rows, None, None]

    def fill(
        self, rows: slice, distance: np.ndarray, colour: np.ndarray, opacity: np.ndarray | None = None
    ) -> None:
        """Lay a colour (3, n) or (3, 1) where the signed distance (rows, w, n) is negative, with smooth edges."""
        cover = distance * np.float32(-self.size / 2)
        cover += 0.5
        np.clip(cover, 0, 1, out=cover)
        if opacity is not None:
            cover *= opacity
        for plane, shade in zip(self.planes, colour, strict=True):
            change = shade - plane[rows]
            change *= cover
            plane[rows] += change


def _draw(f: Factors, size: int, scene: Scene) -> np.ndarray:
    """uint8 (3, size, size, n)."""
    canvas = _Canvas(size, _colours(BACKGROUND)[:, f.background] * _colours([scene.shade]))
    _paint_head(canvas, f)
    _paint_nose(canvas, f)
    _paint_mouth(canvas, f)
    _paint_eyes(canvas, f)
    canvas.planes *= _colours([scene.light])[:, None, None]
    canvas.planes += 0.5
    return canvas.planes.astype(np.uint8)


def _paint_head(canvas: _Canvas, f: Factors) -> None:
    """From the hair behind to the hair before it."""
    x, width, height, turn = canvas.x, f.head_width, f.head_height, f.pose * TURN
    skin, colour = _skin(f), _colours(HAIR_COLOUR)[:, f.hair_colour]
    hair = _Hair(*HAIR[f.hair].T)

    rows, y = canvas.rows(-1, 1)
    dx, dy = x + turn * 0.1, (y - CENTRE) / (height + hair.higher)
    dy *= np.where(dy > 0, hair.droop, np.float32(1))
    ball = (np.sqrt((dx / (width + hair.wider)) ** 2 + dy**2) - 1) * (width + hair.wider)
    bun = np.sqrt(dx**2 + (y - (CENTRE - 0.12) + height) ** 2) - hair.bun
    behind = np.minimum(np.maximum(ball, y - hair.end), np.where(hair.bun > 0, bun, np.float32(1)))
    canvas.fill(rows, behind, colour * 0.82)
    _paint_body(canvas, skin)
    _paint_ears(canvas, f, skin)

    v = (y - CENTRE) / height
    jaw = (1 + 0.14 * v) ** 2
    head = (np.sqrt((x / width) ** 2 * jaw + v**2) - 1) * ((width + height) / 2)
    canvas.fill(rows, head, skin)
    u = (x - turn * 0.45) / width
    before = np.maximum(behind, y - (hair.middle + hair.part * np.abs(u) + hair.side * (u * u) ** 2))
    canvas.fill(rows, before, colour)


def _paint_body(canvas: _Canvas, skin: np.ndarray) -> None:
    rows, y = canvas.rows(0.4, 1)
    canvas.fill(rows, np.maximum(np.abs(canvas.x) - 0.2, 0.4 - y), skin * 0.8)
    canvas.fill(rows, _ellipse(canvas.x / 0.8, (y - 1.22) / 0.36, 0.5), _colours([SHIRT]))


def _paint_ears(canvas: _Canvas, f: Factors, skin: np.ndarray) -> None:
    """The ear on the far side goes behind the head."""
    rows, y = canvas.rows(-0.2, 0.35)
    away, turn = f.head_width + 0.02, f.pose * TURN * 0.3
    left, right = canvas.x + away + np.minimum(turn, 0), canvas.x - away + np.maximum(turn, 0)
    dx = np.minimum(np.abs(left), np.abs(right))
    canvas.fill(rows, _ellipse(dx / 0.1, (y - 0.08) / 0.14, 0.12), skin * 0.88)


def _paint_nose(canvas: _Canvas, f: Factors) -> None:
    rows, y = canvas.rows(0, 0.5)
    dx = canvas.x - f.pose * TURN * (f.head_width + 0.1)
    dy = y - np.clip(y, EYES + 0.1, EYES + 0.1 + f.nose_length)
    canvas.fill(rows, np.sqrt(dx**2 + dy**2) - 0.05, _skin(f) * 0.7)


def _paint_mouth(canvas: _Canvas, f: Factors) -> None:
    """A stroke along a parabola; distances to it are measured across its slope."""
    rows, y = canvas.rows(0.25, 0.8)
    half = np.float32(0.22)
    dx = canvas.x - f.pose * TURN * f.head_width * 0.75
    u, bend = np.clip(dx / half, -1, 1), f.smile * 0.16
    curve = CENTRE + 0.62 * f.head_height + bend * (0.6 - u * u)
    slope = 2 * bend * u / half
    across = (y - curve) / np.sqrt(1 + slope * slope)
    beyond = np.maximum(np.abs(dx) - half, 0)
    canvas.fill(rows, np.sqrt(across**2 + beyond**2) - 0.055, _colours([LIPS]))


def _paint_eyes(canvas: _Canvas, f: Factors) -> None:
    """Eyes on a round head, whose places and widths follow from its turn; brows and glasses go with them."""
    rows, y = canvas.rows(-0.35, 0.35)
    turn = f.pose * TURN
    ahead, aside = np.sqrt(1 - turn**2), np.sqrt(1 - f.eye_distance**2)
    left, right = (f.head_width * (aside * turn + s * f.eye_distance * ahead) for s in (-1, 1))
    narrow = [np.sqrt(ahead - s * f.eye_distance * turn / aside) for s in (-1, 1)]

    def nearer(shift: np.ndarray | float = 0.0) -> np.ndarray:
        """x from the nearer eye, in widths of that eye: |x| for both at once, (w, n)."""
        return np.minimum(
            np.abs(canvas.x - left - shift) / narrow[0], np.abs(canvas.x - right - shift) / narrow[1]
        )

    dx, dy = nearer(), y - EYES
    canvas.fill(rows, _ellipse(dx / EYE_WIDTH, dy / EYE_HEIGHT, EYE_HEIGHT), _colours([SCLERA]))
    iris = _ellipse(nearer(f.gaze * 0.055) / IRIS_RADIUS, dy / IRIS_RADIUS, IRIS_RADIUS)
    canvas.fill(rows, iris, _colours([IRIS]))
    brow = _ellipse(dx / 0.18, (dy + 0.24) / f.brow, f.brow)
    canvas.fill(rows, brow, _colours(HAIR_COLOUR)[:, f.hair_colour] * 0.7)
    _paint_glasses(canvas, f, dx, dy, rows)


def _paint_glasses(canvas: _Canvas, f: Factors, dx: np.ndarray, dy: np.ndarray, rows: slice) -> None:
    """Two rims and the bar that goes on behind them; a tinted lens leaves two thirds of the light."""
    kind, colour = f.glasses, _colours(FRAME)[:, f.glasses]
    across, down = (dx / LENS_RADIUS) ** 2, (dy / LENS_RADIUS) ** 2
    square = kind == DISCRETE["glasses"].index("square")
    radius = np.sqrt(np.where(square, across**2, across) + np.where(square, down**2, down))
    lens = (np.where(square, np.sqrt(radius), radius) - 1) * LENS_RADIUS
    thick = np.where(square, np.float32(0.04), np.float32(0.03))
    bar = np.maximum(np.abs(dy) - 0.03, np.abs(canvas.x) - f.head_width)
    tint = np.where(kind == DISCRETE["glasses"].index("tinted"), np.float32(0.35), 0)
    canvas.fill(rows, lens, colour, tint)
    rim = np.minimum(np.abs(lens) - thick, np.maximum(bar, -lens))
    canvas.fill(rows, rim, colour, (kind > 0).astype(np.float32))


def _ellipse(dx: np.ndarray, dy: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """Signed distance to the unit circle, times a radius: (w, n) and (rows, 1, n) -> (rows, w, n)."""
    return (np.sqrt(dx**2 + dy**2) - 1) * radius


def _colours(levels: Sequence[tuple[float, float, float]]) -> np.ndarray:
    return np.array(levels, np.float32).T  # (3, colours)


def _skin(f: Factors) -> np.ndarray:
    """Between the colours of SKIN, from the lightest to the darkest: (3, n)."""
    place = f.skin * (len(SKIN) - 1)
    below = np.minimum(place.astype(np.int64), len(SKIN) - 2)
    colours = _colours(SKIN)
    share = (place - below).astype(np.float32)
    return colours[:, below] + share * (colours[:, below + 1] - colours[:, below])
