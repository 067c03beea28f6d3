"""Convolutional towers, after DCGAN (Radford et al., 2016, arXiv:1511.06434): codes to images, images to features.

Transposed convolutions double the sides, strided ones halve them, from and to 4 pixels or more.  `width`: feature maps
at full resolution, twice as many at half the side.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from torch import Tensor, nn

from genbench.core import Space

RECTIFIER = partial(nn.LeakyReLU, 0.2)
Activation = Callable[[], nn.Module]
Stage = list[nn.Module]


def check_images(space: Space, why: str) -> None:
    """Raises ValueError, which says why, unless elements are images."""
    if space.kind != "image":
        raise ValueError(f"got {space.kind} of shape {space.shape}: {why}")


def halvings(sides: Iterable[int], *, least: int = 4, most: int | None = None) -> int:
    """How often, at most `most` times, all sides can be halved without falling below `least`: 8 -> 1, 28 -> 2.

    Raises:
        ValueError: no sides, as of a space of flat shape, which could be halved for ever.
    """
    sides, times = list(sides), 0
    if not sides:
        raise ValueError("sides: none; expected an image space of shape (c, h, w)")
    while (most is None or times < most) and all(
        side % 2 ** (times + 1) == 0 and side >> (times + 1) >= least for side in sides
    ):
        times += 1
    return times


def features(sides: Sequence[int], width: int) -> tuple[int, int, int]:
    """What lies at the narrow end: feature maps, height, width."""
    height, breadth = sides
    times = halvings(sides)
    return width * 2**times, height >> times, breadth >> times


def up_tower(
    latent: int, sides: Sequence[int], width: int, *, norm: bool = True, activation: Activation = nn.ReLU
) -> Iterator[Stage]:
    """(n, latent) -> (n, width, *sides), a stage for the smallest sides and one for each doubling.

    norm: batch norm, and then no biases.
    """
    bottom = features(sides, width)
    maps = bottom[0]

    def followed(layer: Stage, maps: int) -> Stage:
        return [*layer, *([nn.BatchNorm2d(maps)] if norm else []), activation()]

    unfold = nn.Linear(latent, bottom[0] * bottom[1] * bottom[2], bias=not norm)
    yield followed([unfold, nn.Unflatten(1, bottom)], maps)
    while maps > width:
        yield followed([nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1, bias=not norm)], maps // 2)
        maps //= 2


def down_tower(
    channels: int,
    sides: Sequence[int],
    width: int,
    *,
    norm: bool = True,
    activation: Activation = RECTIFIER,
    dropout: float = 0.0,
) -> Iterator[Stage]:
    """(n, channels, *sides) -> (n, *features(sides, width)), a stage for the full sides and one for each halving.

    norm: batch norm after each halving, and then no biases there.  dropout: of whole feature maps.
    """
    yield [nn.Conv2d(channels, width, 3, padding=1), activation()]
    for k in range(halvings(sides)):
        maps = width * 2**k
        stage: Stage = [nn.Dropout2d(dropout)] if dropout else []
        stage.append(nn.Conv2d(maps, 2 * maps, 4, 2, 1, bias=not norm))
        yield [*stage, *([nn.BatchNorm2d(2 * maps)] if norm else []), activation()]


def built(*towers: Iterator[Stage]) -> list[list[nn.Module]]:
    """The layers of each tower; several of equal height are built in turns, since initial weights follow from it."""
    stages = list(zip(*towers, strict=True))
    return [list(chain.from_iterable(tower)) for tower in zip(*stages, strict=True)]


def enlarged(x: Tensor, times: int = 2) -> Tensor:
    """(n, c, h, w) -> (n, c, times·h, times·w), every pixel `times` squared times."""
    return x.repeat_interleave(times, 2).repeat_interleave(times, 3)
