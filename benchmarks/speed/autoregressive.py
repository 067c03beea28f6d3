"""Training and sampling of gated PixelCNN, NADE and MADE against a first implementation of each, same run, in turns.

    python benchmarks/speed/autoregressive.py                   binary images of 28 × 28, processor time of one thread
    python benchmarks/speed/autoregressive.py --models nade --steps 10 --rounds 5

The peers are written here in a few lines after pytorch-generative (github.com/EugenHotaj/pytorch-generative), which
is not installed: a gated PixelCNN of separable vertical convolutions, sampled by one pass over the whole image for
each pixel, and a NADE that goes from pixel to pixel in training as in sampling, and draws one that is not given;
ordinary Adam; the MADE is that of `loops.py`, sampled by one pass for each pixel.  The two PixelCNNs have about as many
weights, which are printed; the others are the same, the NADEs with the paper's sigmoids.  All passes of a sampling cost
the same, so that of the naive PixelCNN's only every 196th, and of the MADE's every fourth, is taken and the time
multiplied.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from loops import PlainMADE
from torch import Generator, Tensor, nn
from torch.distributions import Bernoulli
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from genbench.core import Batch, GenerativeModel, Space, Splits
from genbench.models.build import build
from genbench.params.schema import Run
from genbench.runtime.machine import make_deterministic
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 28, 28), 2, 0)
SIDE, PIXELS, HIDDEN = 28, 784, 500
WIDTH, BLOCKS = 128, 10
PASSES = 4  # of a sampling's 784


class PlainBlock(nn.Module):
    def __init__(self, inputs: int, width: int, kernel: int, *, first: bool = False) -> None:
        super().__init__()
        self.reach, self.first = kernel // 2, first
        self.along = nn.Conv2d(inputs, width, (1, kernel), padding=(0, self.reach))
        self.down = nn.Conv2d(width, 2 * width, (self.reach + 1, 1), padding=(self.reach + 1, 0))
        self.own = nn.Conv2d(inputs, 2 * width, 1)
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.across = nn.Conv2d(inputs, 2 * width, (1, self.reach + 1))
        self.residual, self.skip = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)

    def forward(self, vertical: Tensor, horizontal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        above = self.down(self.along(vertical))[:, :, : vertical.shape[2]]
        link = self.link(above)
        a, b = (above + self.own(vertical)).chunk(2, 1)
        down = a.tanh() * b.sigmoid()
        left = pad(horizontal, (self.reach + self.first, 0, 0, 0))[..., : SIDE + self.reach]
        a, b = (link + self.across(left)).chunk(2, 1)
        across = a.tanh() * b.sigmoid()
        on = self.residual(across)
        return down, on if self.first else on + horizontal, self.skip(across)


class PlainPixelCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        later = (PlainBlock(WIDTH, WIDTH, 3) for _ in range(BLOCKS))
        self.blocks = nn.ModuleList([PlainBlock(1, WIDTH, 7, first=True), *later])
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1), nn.ReLU(), nn.Conv2d(WIDTH, 1, 1))

    def logits(self, x: Tensor) -> Tensor:  # (n, 1, 28, 28)
        vertical, horizontal, total = x, x, torch.zeros(())
        for block in self.blocks:
            vertical, horizontal, skip = block(vertical, horizontal)
            total = total + skip
        return self.head(total)

    def loss(self, x: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits(x), x, reduction="sum") / len(x)

    @torch.no_grad()
    def sample(self, n: int) -> float:
        """Some of the passes; what all would take is so many times as much."""
        x = torch.zeros(n, 1, SIDE, SIDE)
        for place in range(0, PIXELS, PIXELS // PASSES):
            row, column = divmod(place, SIDE)
            x[:, :, row, column] = self.logits(x)[:, :, row, column].sigmoid().bernoulli()
        return PIXELS / PASSES


class PlainNADE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.W, self.c = nn.Parameter(torch.randn(HIDDEN, PIXELS) / 28), nn.Parameter(torch.zeros(HIDDEN))
        self.V, self.b = nn.Parameter(torch.randn(PIXELS, HIDDEN) / 22), nn.Parameter(torch.zeros(PIXELS))

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of all pixels, and the pixels, (n, 784): a negative one is drawn."""
        logits, pixels, running = [], [], self.c.expand(len(x), -1)
        for i in range(PIXELS):
            logits.append(running.sigmoid() @ self.V[i : i + 1].T + self.b[i : i + 1])
            drawn, given = Bernoulli(probs=logits[-1].sigmoid()).sample(), x[:, i : i + 1]
            pixels.append(torch.where(given < 0, drawn, given))
            running = running + pixels[-1] @ self.W[:, i : i + 1].T
        return torch.cat(logits, 1), torch.cat(pixels, 1)

    def loss(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return binary_cross_entropy_with_logits(self.run(x)[0], x, reduction="sum") / len(x)

    @torch.no_grad()
    def sample(self, n: int) -> float:
        self.run(torch.full((n, PIXELS), -1.0))
        return 1.0


class Made(PlainMADE):
    def __init__(self) -> None:
        super().__init__(HIDDEN)

    @torch.no_grad()
    def sample(self, n: int) -> float:
        """A quarter of the passes."""
        x = torch.zeros(n, PIXELS)
        for place in range(0, PIXELS, 4):
            x[:, place] = self.logits(x)[:, place].sigmoid().bernoulli()
        return 4.0


def built(model: str, **sizes: Any) -> GenerativeModel:
    """As a stage has it."""
    return build(model, Run(dataset="drawn", model=f"autoregressive/{model}", **sizes), SPACE)


class Pair(NamedTuple):
    ours: Callable[[], GenerativeModel]
    plain: Callable[[], PlainPixelCNN | PlainNADE | Made]
    goals: dict[str, float]
    steps: int  # of training
    batch: int
    samples: int


MODELS = {
    "pixelcnn": Pair(
        lambda: built("pixelcnn", width=WIDTH, blocks=BLOCKS),
        PlainPixelCNN,
        {"training": 1.5, "sampling": 200.0},
        steps=3,
        batch=8,
        samples=16,
    ),
    "nade": Pair(
        lambda: built("nade", hidden=HIDDEN),
        PlainNADE,
        {"training": 4.0, "sampling": 1.4},
        steps=4,
        batch=64,
        samples=500,
    ),
    "made": Pair(
        lambda: built("made", hidden=HIDDEN),
        Made,
        {"training": 1.2, "sampling": 31.0},
        steps=100,
        batch=64,
        samples=500,
    ),
}


def train_ours(pair: Pair, x: Tensor, steps: int, batch: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        job = Job("speed", 0, Path(folder) / "checkpoint.pt", "")
        budget = Budget(steps, batch, moments=0, followed=0)
        model = pair.ours()
        start = time.process_time()
        train(model, Splits(Batch(x), Batch(x)), budget, job)
        return time.process_time() - start


def train_plain(pair: Pair, x: Tensor, steps: int, batch: int) -> float:
    model = pair.plain()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    start = time.process_time()
    for _ in range(steps):
        optimiser.zero_grad()
        model.loss(x[torch.randint(len(x), (batch,))]).backward()
        optimiser.step()
    return time.process_time() - start


def sample_ours(pair: Pair, n: int) -> float:
    model = pair.ours().eval()
    start = time.process_time()
    with torch.no_grad():
        model.sample(n, rng=Generator().manual_seed(0))
    return time.process_time() - start


def sample_plain(pair: Pair, n: int) -> float:
    model = pair.plain()
    start = time.process_time()
    times = model.sample(n)
    return times * (time.process_time() - start)


def said(name: str, what: str, ours: list[float], plain: list[float], goal: float) -> None:
    ratios = [b / a for a, b in zip(ours, plain, strict=True)]
    print(
        f"{name:8} {what}: {median(ours):6.2f} s, plain {median(plain):7.2f} s: {median(ratios):.2f} × as fast "
        f"({min(ratios):.2f} to {max(ratios):.2f}); goal ≥ {goal:g}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    for option in ("--steps", "--batch-size", "--samples"):
        parser.add_argument(option, type=int, help="where it is left out, as much as takes seconds")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    make_deterministic(threads=1)
    x = torch.rand(1000, *SPACE.shape).round()
    for name in arguments.models:
        pair = MODELS[name]
        steps, batch = arguments.steps or pair.steps, arguments.batch_size or pair.batch
        n = arguments.samples or pair.samples
        weights = [sum(each.numel() for each in model().parameters()) for model in (pair.ours, pair.plain)]
        print(f"{name:8} {weights[0]:,} weights, plain {weights[1]:,}; {steps} steps of {batch}; {n} samples")
        for way in (train_ours, train_plain):  # imports are not what is measured
            way(pair, x, 1, 2)
        turns = [
            (train_ours(pair, x, steps, batch), train_plain(pair, x, steps, batch))
            for _ in range(arguments.rounds)
        ]
        ours, plain = (list(each) for each in zip(*turns, strict=True))
        said(name, "training", ours, plain, pair.goals["training"])
        turns = [(sample_ours(pair, n), sample_plain(pair, n)) for _ in range(arguments.rounds)]
        ours, plain = (list(each) for each in zip(*turns, strict=True))
        said(name, "sampling", ours, plain, pair.goals["sampling"])


if __name__ == "__main__":
    main()
