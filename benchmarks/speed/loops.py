"""Speed of training a VAE and a MADE against loops of plain PyTorch over the same networks, same run, turn by turn.

    python benchmarks/speed/loops.py                      300 steps of batches of 64, binary images of 28 × 28
    python benchmarks/speed/loops.py --steps 1000 --rounds 5
    python benchmarks/speed/loops.py --models vae --batch-size 128 --precision bfloat16      where the processor has it

The VAE is that of PyTorch's examples (pytorch/examples, vae/main.py: 784-400-20, Adam), the MADEs those of
pytorch-generative, which is not installed: one layer of 500 or of its own 8,000 units, masks multiplied into the
weights at every pass, Adam, batches of 64.  That package also draws its masks again at every pass, which the loop here
does not, and has no direct connections from input to output, which here both have.  Fewer steps of the widest.  The
product is the matrix products of a step alone, forwards and backwards.  Processor time of one thread for a whole
training of so many steps, curves among them; medians over the rounds with the least and the most.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from genbench.core import Batch, GenerativeModel, Space, Splits
from genbench.models.autoregressive.made import MADE
from genbench.models.latent.vae import VAE
from genbench.runtime.machine import make_deterministic
from genbench.training.execution import Execution
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 28, 28), 2, 0)
PIXELS = 784
GOALS = {
    "vae": "≥ .87 × the loop, a step ≤ 1.15 × it; in bfloat16 ≥ 2 ×",
    "made-500": "≥ 1.2 × the loop",
    "made-8000": "≥ 1.2 × the loop",
}
FEWER = {"made-8000": 15}  # one step for so many of the others
MODELS: dict[str, Callable[[], GenerativeModel]] = {
    "vae": lambda: VAE(SPACE, latent=20, hidden=400),
    "made-500": lambda: MADE(SPACE, hidden=500),
    "made-8000": lambda: MADE(SPACE, hidden=8000),
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
    def __init__(self, hidden: int) -> None:
        super().__init__()
        pixels, units = torch.arange(PIXELS), torch.arange(hidden) % (PIXELS - 1)
        self.hidden, self.out = nn.Linear(PIXELS, hidden), nn.Linear(hidden, PIXELS)
        self.direct = nn.Linear(PIXELS, PIXELS)
        self.masks = [
            (self.hidden, (units[:, None] >= pixels).float()),
            (self.out, (pixels[:, None] > units).float()),
            (self.direct, (pixels[:, None] > pixels).float()),
        ]

    def logits(self, x: Tensor) -> Tensor:  # (n, 784)
        for layer, mask in self.masks:
            layer.weight.data *= mask
        return self.out(self.hidden(x).relu()) + self.direct(x)

    def loss(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return binary_cross_entropy_with_logits(self.logits(x), x, reduction="none").sum(1).mean()


PLAIN: dict[str, Callable[[], nn.Module]] = {
    "vae": PlainVAE,
    "made-500": lambda: PlainMADE(500),
    "made-8000": lambda: PlainMADE(8000),
}


def ours(name: str, x: Tensor, steps: int, batch: int, how: Execution) -> None:
    model = MODELS[name]()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(name, 0, Path(folder) / "checkpoint.pt", "")
        budget = Budget(steps, batch, moments=0, followed=0)  # a loop watches nothing
        train(model, Splits(Batch(x), Batch(x)), budget, job, how)


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
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--precision",
        choices=("float32", "bfloat16"),
        default="float32",
        help="of genbench; the loop's is float32",
    )
    arguments = parser.parse_args()
    make_deterministic(threads=1)
    x = torch.rand(10_000, *SPACE.shape).round()
    for name in arguments.models:
        steps = max(1, arguments.steps // FEWER.get(name, 1))
        genbench = partial(ours, how=Execution(precision=arguments.precision))
        ways = {"genbench": genbench, "plain loop": plain, "product": product}
        times: dict[str, list[float]] = {way: [] for way in ways}
        for way in ways.values():
            way(name, x, 5, arguments.batch_size)  # imports are not what is measured
        for _ in range(arguments.rounds):
            for way, work in ways.items():
                times[way].append(seconds(work, name, x, steps, arguments.batch_size))
        for way, found in times.items():
            print(f"{name:9} {way:11} {median(found):6.2f} s ({min(found):.2f} to {max(found):.2f})")
        ratio = median(times["plain loop"]) / median(times["genbench"])
        print(f"{name:9} {ratio:.2f} × as fast as the plain loop; goal {GOALS[name]}", flush=True)


if __name__ == "__main__":
    main()
