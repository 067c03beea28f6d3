"""Speed of a DCGAN's training step at 64 pixels against the framework's own example at equal networks, in turns.

    python benchmarks/speed/dcgan.py                                  maps 32 to 256, batches of 16, float32, one thread
    python benchmarks/speed/dcgan.py --width 64 --batch-size 64       the example's own sizes
    python benchmarks/speed/dcgan.py --precision bfloat16             where the processor multiplies it

The example is pytorch/examples, dcgan/main.py, written here in a few lines: five transposed and five strided
convolutions without biases, batch norm, BCELoss after a sigmoid, two backward passes of the discriminator, ordinary
Adam.  The loop trains the same two networks, put in the place of its own DCGAN's, which have a layer more at full
resolution; whatever it does with a model, optimisers and memory it does here.  Processor time of whole trainings of so
many steps.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial import dcgan
from genbench.models.build import build
from genbench.params.schema import Run
from genbench.runtime.machine import make_deterministic
from genbench.training.execution import Execution
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (3, 64, 64), 256, 0)
LATENT = 100
GOALS = {"float32": 1.2, "bfloat16": 2.0}


def generator(width: int) -> nn.Sequential:
    """(n, 100, 1, 1) -> (n, 3, 64, 64), before tanh."""
    layers: list[nn.Module] = []
    maps = [LATENT, *(width * k for k in (8, 4, 2, 1))]
    for number, (below, above) in enumerate(pairwise(maps)):
        up = (4, 2, 1) if number else (4, 1, 0)
        layers += [
            nn.ConvTranspose2d(below, above, *up, bias=False),
            nn.BatchNorm2d(above),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False))


def discriminator(width: int) -> nn.Sequential:
    """(n, 3, 64, 64) -> (n, 1) logits."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for k in (1, 2, 4):
        layers += [
            nn.Conv2d(k * width, 2 * k * width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * k * width),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 0, bias=False), nn.Flatten())


def weights(module: nn.Module) -> None:
    """As in the paper and in the example."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class DCGAN(dcgan.DCGAN):
    """With the example's networks."""

    def __init__(self, space: Space, *, width: int) -> None:
        super().__init__(space, latent=LATENT, width=8)
        self.generator = nn.Sequential(nn.Unflatten(1, (LATENT, 1, 1)), *generator(width))
        self.discriminator = discriminator(width)
        self.apply(weights)


def ours(x: Tensor, width: int, steps: int, batch: int, how: Execution) -> float:
    with patch.object(dcgan, "DCGAN", DCGAN):
        sizes: dict[str, Any] = {"width": width}
        model = build("dcgan", Run(dataset="drawn", model="adversarial/dcgan", **sizes), SPACE)
    with tempfile.TemporaryDirectory() as folder:
        job = Job("dcgan", 0, Path(folder) / "checkpoint.pt", "")
        budget = Budget(steps, batch, moments=0, followed=0)
        start = time.process_time()
        train(model, Splits(Batch(x), Batch(x)), budget, job, how)
        return time.process_time() - start


def example(x: Tensor, width: int, steps: int, batch: int, how: Execution) -> float:
    made, judge = generator(width).append(nn.Tanh()), discriminator(width).append(nn.Sigmoid())
    made.apply(weights)
    judge.apply(weights)
    cost = nn.BCELoss()
    of_judge, of_made = (
        torch.optim.Adam(each.parameters(), lr=2e-4, betas=(0.5, 0.999)) for each in (judge, made)
    )
    real_label, fake_label = torch.ones(batch), torch.zeros(batch)
    start = time.process_time()
    for _ in range(steps):
        real = 2 * x[torch.randint(len(x), (batch,))] - 1
        judge.zero_grad()
        cost(judge(real).view(-1), real_label).backward()
        fake = made(torch.randn(batch, LATENT, 1, 1))
        cost(judge(fake.detach()).view(-1), fake_label).backward()
        of_judge.step()
        made.zero_grad()
        cost(judge(fake).view(-1), real_label).backward()
        of_made.step()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--width", type=int, default=32, help="maps of the widest layers, an eighth of the most"
    )
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--precision", choices=GOALS, default="float32", help="of the loop; the example's is float32"
    )
    arguments = parser.parse_args()
    make_deterministic(threads=1)
    x = torch.rand(200, *SPACE.shape)
    how = Execution(precision=arguments.precision)
    sizes = (arguments.width, arguments.steps, arguments.batch_size)
    ways: dict[str, Callable[..., float]] = {"genbench": ours, "example": example}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways.values():
        way(x, 8, 2, 4, how)  # imports are not what is measured
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            times[name].append(1e3 * way(x, *sizes, how) / arguments.steps)
    for name, found in times.items():
        print(f"dcgan {name:9} {median(found):7.1f} ms a step ({min(found):.1f} to {max(found):.1f})")
    ratios = [b / a for a, b in zip(times["genbench"], times["example"], strict=True)]
    print(
        f"dcgan {arguments.precision}: {median(ratios):.2f} × as fast as the example ({min(ratios):.2f} to "
        f"{max(ratios):.2f}); goal ≥ {GOALS[arguments.precision]:g}"
    )


if __name__ == "__main__":
    main()
