"""What holding every processor to AVX2 costs: the same work with the limit and without, turn by turn.

    python benchmarks/speed/instructions.py                     five rounds, a minute or two
    python benchmarks/speed/instructions.py --rounds 3 --steps 50

Processor seconds, medians over rounds, one thread; each round is two processes, because a library reads the limit once.
On a processor without AVX-512 the ratios are 1 but for the choice between kernels of the same instructions.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from genbench.runtime import environment

MODELS = ("vae", "ddpm", "pixelcnn", "realnvp")


def kernels() -> dict[str, Callable[[], object]]:
    """Single calls; loaded here, after the limit has been set or left out."""
    import numpy as np
    import torch
    from torch.nn import functional as F

    x = np.random.Generator(np.random.PCG64(0)).standard_normal((512, 512))
    single, image, filters = (torch.randn(shape) for shape in ((512, 512), (64, 32, 8, 8), (32, 32, 3, 3)))
    return {
        "NumPy matmul 512, float64": lambda: x @ x,
        "NumPy eigh 512, float64": lambda: np.linalg.eigh(x),
        "NumPy exp, float64": lambda: np.exp(x),
        "NumPy sum, float64": x.sum,
        "torch matmul 512, float32": lambda: single @ single,
        "torch matmul 64 × 256 × 256, float32": lambda: single[:64, :256] @ single[:256, :256],
        "torch exp, float32": single.exp,
        "torch convolution 3 × 3, 32 channels": lambda: F.conv2d(image, filters, padding=1),
    }


def seconds_of(call: Callable[[], object], at_least: float = 0.2) -> float:
    """Processor seconds of one call, over as many as fill some time."""
    call()
    calls, began = 0, time.process_time()
    while not calls or time.process_time() - began < at_least:
        call()
        calls += 1
    return (time.process_time() - began) / calls


def training(name: str, steps: int) -> Callable[[], object]:
    """A training on 8 × 8 images, as the default benchmark has it."""
    import torch

    from genbench.core import Batch, Space, Splits
    from genbench.models.autoregressive.pixelcnn import PixelCNN
    from genbench.models.diffusion.ddpm import DDPM
    from genbench.models.flows.realnvp import RealNVP
    from genbench.models.latent.vae import VAE
    from genbench.runtime.group import Group
    from genbench.training.execution import Execution
    from genbench.training.loop import Budget, Job, train

    space = Space("image", (1, 8, 8), 17, 0)
    torch.manual_seed(0)
    model = {
        "vae": lambda: VAE(space, latent=10, hidden=256, layers=2),
        "ddpm": lambda: DDPM(space, timesteps=100, width=16, blocks=1, dropout=0.0),
        "pixelcnn": lambda: PixelCNN(space, width=32, blocks=2, kernel=5),
        "realnvp": lambda: RealNVP(space, couplings=16, hidden=64),
    }[name]()
    data = Batch(torch.rand(1000, *space.shape))

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            job = Job(name, 0, Path(folder) / "checkpoint.pt", "")
            train(model, Splits(data, data), Budget(steps, 64), job, Execution(Group()))

    return run


def measure(steps: int) -> dict[str, float]:
    """Everything, in this process."""
    from genbench.runtime.machine import make_deterministic, optimize_without_compiler

    make_deterministic(threads=1)
    optimize_without_compiler()
    found = {name: seconds_of(call) for name, call in kernels().items()}
    return found | {f"training, {name}": seconds_of(training(name, steps), 0) for name in MODELS}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--alone", choices=("limited", "free"), help="what this program calls itself with")
    arguments = parser.parse_args()
    if arguments.alone:
        if arguments.alone == "free":
            environment.AVX2.clear()
        environment.fix()
        print(json.dumps(measure(arguments.steps)))
        return
    rounds: dict[str, list[dict[str, float]]] = {"limited": [], "free": []}
    for _ in range(arguments.rounds):
        for way, found in rounds.items():
            command = [sys.executable, __file__, "--alone", way, "--steps", str(arguments.steps)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            found.append(json.loads(done.stdout))
    print(f"{platform.processor() or platform.machine()}, medians of {arguments.rounds}")
    for name in rounds["free"][0]:
        limited, free = (median(taken[name] for taken in rounds[way]) for way in ("limited", "free"))
        print(
            f"{name:40} {limited * 1e3:9.3f} ms, without the limit {free * 1e3:9.3f} ms: {limited / free:.2f}"
        )


if __name__ == "__main__":
    main()
