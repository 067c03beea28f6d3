"""Time of a training step in bfloat16 and compiled, against float32 as written, same run, turn by turn.

    python benchmarks/speed/training.py                     three models on 28 × 28 pixels, on a GPU where there is one
    python benchmarks/speed/training.py --device cpu --models made --steps 20

The first steps, in which networks are compiled, are not counted; the time is the median of the others.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from genbench.core import Batch, GenerativeModel, Space, Splits
from genbench.models.autoregressive.made import MADE
from genbench.models.diffusion.ddpm import DDPM
from genbench.models.flows.realnvp import RealNVP
from genbench.runtime.group import Group
from genbench.runtime.machine import make_deterministic, pick_device
from genbench.training.execution import Execution
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 28, 28), 2, 0)
MODELS: dict[str, Callable[[], GenerativeModel]] = {
    "made": lambda: MADE(SPACE, hidden=2000, layers=2),
    "ddpm": lambda: DDPM(SPACE, width=32, blocks=1, timesteps=100, dropout=0.0),
    "realnvp": lambda: RealNVP(SPACE, couplings=8, hidden=256),
}
WARM = 4  # steps


def seconds_of_step(name: str, how: Execution, steps: int, batch_size: int) -> float:
    """The median over `steps` steps of one training, by the times between its losses."""
    torch.manual_seed(0)
    device = how.group.device
    model = MODELS[name]().to(device)
    times: list[float] = []
    *closed, phase = model.phases()
    (objective,) = phase.objectives

    def timed(batch: Batch) -> Tensor:
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter())
        return objective.loss(batch)

    phases = [*closed, phase._replace(objectives=(objective._replace(loss=timed),))]
    model.phases = lambda: phases  # type: ignore[method-assign]
    x = torch.rand(1000, *SPACE.shape, device=device).round()
    with tempfile.TemporaryDirectory() as folder:
        job = Job(name, 0, Path(folder) / "checkpoint.pt", "")
        train(model, Splits(Batch(x), Batch(x)), Budget(steps + WARM, batch_size), job, how)
    counted = times[WARM:]
    return statistics.median(b - a for a, b in pairwise(counted))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    make_deterministic(threads=arguments.threads)
    group = Group(device=pick_device(arguments.device))
    ways = {
        "float32": Execution(group),
        "bfloat16": Execution(group, precision="bfloat16"),
        "compiled": Execution(group, compile=True),
        "both": Execution(group, precision="bfloat16", compile=True),
    }
    print(f"{group.device}, batches of {arguments.batch_size}, {arguments.threads} thread")
    for name in arguments.models:
        took = {
            way: seconds_of_step(name, how, arguments.steps, arguments.batch_size)
            for way, how in ways.items()
        }
        said = ", ".join(f"{way} {value * 1e3:.1f} ms" for way, value in took.items())
        ratios = ", ".join(
            f"{way} {took['float32'] / value:.2f}" for way, value in took.items() if way != "float32"
        )
        print(f"{name}: {said}; times as fast as float32: {ratios}", flush=True)


if __name__ == "__main__":
    main()
