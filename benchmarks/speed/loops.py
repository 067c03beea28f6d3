"""Speed of training a VAE and a MADE against loops of plain PyTorch over the same networks, same run, turn by turn.

    python benchmarks/speed/loops.py                      300 steps of batches of 128, binary images of 28 × 28
    python benchmarks/speed/loops.py --steps 1000 --rounds 5

The VAE is that of PyTorch's examples (pytorch/examples, vae/main.py: 784-400-20, Adam), the MADE one of two layers of
500 units whose masks are multiplied with the weights at every step, as pytorch-generative does.  The product is the
matrix products of a step alone, forwards and backwards.  Processor time of one thread for a whole training of so many
steps, checkpoints and curves among them; medians over the rounds with the least and the most.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from genbench.core import Batch, GenerativeModel, Space, Splits
from genbench.models.autoregressive.made import MADE
from genbench.models.latent.vae import VAE
from genbench.runtime.machine import make_deterministic
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 28, 28), 2, 0)
PIXELS = 784
GOALS = {"vae": "≥ .87 × the loop, a step ≤ 1.15 × it", "made": "≥ 1.2 × the loop"}
MODELS: dict[str, Callable[[], GenerativeModel]] = {
    "vae": lambda: VAE(SPACE, latent=20, hidden=400),
    "made": lambda: MADE(SPACE, hidden=500, layers=2),
}


class PlainVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.mu, self.log_var = nn.Linear(PIXELS, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.back, self.out = nn.Linear(20, 400), nn.Linear(400, PIXELS)

    def loss(self, x: Tensor) -> Tensor:  # (n, 784)
        h = self.hidden(x).relu()
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + (0.5 * log_var).exp() * torch.randn_like(mu)
        logits = self.out(self.back(z).relu())
        kl = -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum()
        return (binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / len(x)


class PlainMADE(nn.Module):
    masks: tuple[Tensor, ...]

    def __init__(self) -> None:
        super().__init__()
        widths = (PIXELS, 500, 500, PIXELS)
        degrees = [
            torch.arange(PIXELS),
            *(torch.arange(500) % (PIXELS - 1) for _ in range(2)),
            torch.arange(PIXELS),
        ]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.masks = tuple(
            ((above[:, None] > below) if last else (above[:, None] >= below)).float()
            for below, above, last in zip(degrees, degrees[1:], (False, False, True), strict=False)
        )

    def loss(self, x: Tensor) -> Tensor:  # (n, 784)
        h = x
        for number, (layer, mask) in enumerate(zip(self.layers, self.masks, strict=True)):
            h = linear(h.relu() if number else h, layer.weight * mask, layer.bias)
        return binary_cross_entropy_with_logits(h, x, reduction="sum") / len(x)


PLAIN: dict[str, Callable[[], nn.Module]] = {"vae": PlainVAE, "made": PlainMADE}


def ours(name: str, x: Tensor, steps: int, batch: int) -> None:
    model = MODELS[name]()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(name, 0, Path(folder) / "checkpoint.pt", "")
        train(model, Splits(Batch(x), Batch(x)), Budget(steps, batch), job)


def plain(name: str, x: Tensor, steps: int, batch: int) -> None:
    model = PLAIN[name]()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = model.loss(x[torch.randint(len(x), (batch,))].flatten(1))  # type: ignore[operator]
        loss.backward()
        optimiser.step()


def product(name: str, x: Tensor, steps: int, batch: int) -> None:
    """Of each layer its output, the gradient of its input and that of its weights."""
    weights = [one.weight.detach() for one in PLAIN[name]().modules() if isinstance(one, nn.Linear)]
    shapes = [(torch.randn(batch, w.shape[1]), torch.randn(batch, w.shape[0]), w) for w in weights]
    for _ in range(steps):
        for before, after, weight in shapes:
            before @ weight.T
            after @ weight
            after.T @ before


def seconds(
    work: Callable[[str, Tensor, int, int], None], name: str, x: Tensor, steps: int, batch: int
) -> float:
    start = time.process_time()
    work(name, x, steps, batch)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    make_deterministic(threads=1)
    x = torch.rand(10_000, *SPACE.shape).round()
    for name in arguments.models:
        ways = {"genbench": ours, "plain loop": plain, "product": product}
        times: dict[str, list[float]] = {way: [] for way in ways}
        for way in ways.values():
            way(name, x, 5, arguments.batch_size)  # imports are not what is measured
        for _ in range(arguments.rounds):
            for way, work in ways.items():
                times[way].append(seconds(work, name, x, arguments.steps, arguments.batch_size))
        for way, found in times.items():
            print(f"{name:5} {way:11} {median(found):6.2f} s ({min(found):.2f} to {max(found):.2f})")
        ratio = median(times["plain loop"]) / median(times["genbench"])
        print(f"{name:5} {ratio:.2f} × as fast as the plain loop; goal {GOALS[name]}", flush=True)


if __name__ == "__main__":
    main()
