"""Started twice as `python together.py FOLDER` by LAUNCHER: two processes train several small models, in turn.

Leaves FOLDER/NAME-RANK.safetensors, each process's weights, and NAME-RANK.csv, its curve.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.models.adversarial.gan import GAN
from genbench.models.autoencoders.stacked import Stacked
from genbench.models.autoregressive.made import MADE
from genbench.models.latent.rbm import RBM
from genbench.models.latent.vae import VAE
from genbench.runtime.group import ALONE, Group, join
from genbench.runtime.launch import end_with_parent
from genbench.runtime.machine import optimize_without_compiler
from genbench.storage.weights import weights_bytes
from genbench.training.execution import Execution
from genbench.training.loop import Budget, Job, Record, train

# What starts them, without torch.
LAUNCHER = """
import sys
from genbench.runtime.launch import launch
sys.orig_argv = sys.argv
launch("together", 2)
"""
SPACE = Space("image", (1, 8, 8), 2, 0)


class Normed(GenerativeModel):
    """Batch normalisation in two dimensionalities, and a parameter that no loss reaches."""

    def __init__(self) -> None:
        super().__init__(SPACE)
        self.network = nn.Sequential(
            nn.Conv2d(1, 4, 3),
            nn.BatchNorm2d(4, affine=False),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(144, 16),
            nn.BatchNorm1d(16, momentum=None),
            nn.SiLU(),
            nn.Linear(16, 64),
        )
        self.unused = nn.Parameter(torch.ones(3))

    def loss(self, batch: Batch) -> Tensor:
        return (self.network(batch.x + 1) - batch.x.flatten(1)).square().mean()

    def phases(self) -> list[Phase]:
        sgd = partial(torch.optim.SGD, lr=0.3, momentum=0.5, weight_decay=0.01)
        return [Phase("p", (Objective("o", list(self.parameters()), self.loss, sgd, clip=0.5),))]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return torch.rand(n, *SPACE.shape, generator=rng)


MODELS: dict[str, Callable[[], GenerativeModel]] = {
    "made": lambda: MADE(SPACE, hidden=30),
    "normed": Normed,
    "vae": lambda: VAE(SPACE, hidden=32, latent=4),
    "gan": lambda: GAN(SPACE, hidden=32, units=16, pieces=2, latent=8, dropout=0.2),
    "rbm": lambda: RBM(SPACE, hidden=8, gibbs=1, chains=20),
    "stacked": lambda: Stacked(SPACE, widths=(16,), latent=4, components=3),
}


def data() -> Splits:
    """Two overlaid patterns with noise: something to learn."""
    rng = Generator().manual_seed(0)
    patterns = torch.rand(2, *SPACE.shape, generator=rng).round()
    which = torch.randint(2, (256,), generator=rng)
    flipped = (torch.rand(256, *SPACE.shape, generator=rng) < 0.1).float()
    batch = Batch((patterns[which] - flipped).abs())
    return Splits(batch, batch)


def fit(name: str, folder: Path, group: Group = ALONE) -> tuple[GenerativeModel, Record]:
    torch.manual_seed(0)
    model = MODELS[name]()
    job = Job(name, 7, folder / "checkpoint.pt", name)
    return model, train(model, data(), Budget(60, 32, ema=0.9), job, Execution(group))


def main(folder: Path) -> None:
    end_with_parent()
    torch.set_num_threads(1)
    optimize_without_compiler()
    group = join("together", 2, torch.device("cpu"))
    for name in MODELS:
        model, record = fit(name, folder, group)
        (folder / f"{name}-{group.rank}.safetensors").write_bytes(weights_bytes(model, {}))
        lines = [f"{point.objective},{point.loss}\n" for point in record.curve]
        (folder / f"{name}-{group.rank}.csv").write_text("".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
