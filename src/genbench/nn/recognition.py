"""Discriminators that also say which code an image was made from (InfoGAN: Chen et al., 2016, arXiv:1606.03657)."""

from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.towers import built, down_tower, features


class CodePosterior(NamedTuple):
    """Q(c|x): logits of the categories (n, K); means and log variances of the continuous codes, (n, k) each."""

    logits: Tensor
    mean: Tensor
    log_var: Tensor


class Recogniser(nn.Module):
    """D and Q on one body of convolutions: D's head is a linear layer, Q's has a hidden one."""

    def __init__(self, space: Space, width: int, hidden: int, dropout: float, codes: list[int]) -> None:
        super().__init__()
        channels, *sides = space.shape
        rectifier = partial(nn.LeakyReLU, 0.1)
        (body,) = built(down_tower(channels, sides, width, activation=rectifier, dropout=dropout))
        self.body = nn.Sequential(*body, nn.Flatten(), nn.Dropout(dropout))
        maps, height, side = features(sides, width)
        self.real = nn.Linear(maps * height * side, 1)
        units = [nn.Linear(maps * height * side, hidden, bias=False), nn.BatchNorm1d(hidden), rectifier()]
        self.code = nn.Sequential(*units, nn.Linear(hidden, sum(codes)))
        self.codes = codes

    def forward(self, x: Tensor) -> tuple[Tensor, CodePosterior]:
        """(n, *shape) in [−1, 1] -> logits of D(x), (n,), and Q(c|x)."""
        h = self.body(x)
        logits, mean, log_var = self.code(h).split(self.codes, 1)
        return self.real(h)[:, 0], CodePosterior(logits, mean, log_var.clamp(-4, 4))
