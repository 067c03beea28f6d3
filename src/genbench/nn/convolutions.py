"""The pieces of which convolutional generators and discriminators are built, after DCGAN (arXiv:1511.06434)."""

from torch import nn


def halvings(*sides: int) -> tuple[tuple[int, ...], int]:
    """Sides halved while all are even and 8 or more, and how often: 8 -> (4,), 1; 28 -> (7,), 2; 64 -> (4,), 4."""
    times = 0
    while all(side % 2 == 0 and side >= 8 for side in sides):
        sides, times = tuple(side // 2 for side in sides), times + 1
    return sides, times


def unfolded(latent: int, maps: int, height: int, width: int) -> list[nn.Module]:
    """(n, latent) -> (n, maps, height, width), where a generator starts."""
    return [
        nn.Linear(latent, maps * height * width, bias=False),
        nn.Unflatten(1, (maps, height, width)),
        nn.BatchNorm2d(maps),
        nn.ReLU(),
    ]


def doubled(maps: int) -> list[nn.Module]:
    """(n, maps, h, w) -> (n, maps/2, 2h, 2w)."""
    return [
        nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1, bias=False),
        nn.BatchNorm2d(maps // 2),
        nn.ReLU(),
    ]
