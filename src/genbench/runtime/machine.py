"""Seeds, threads, devices and random state: what makes two runs on one machine agree to the bit."""

import hashlib
import inspect
import os
from typing import Any

import torch
from torch.optim import Optimizer

from genbench.runtime import gpus
from genbench.storage.files import InputError


def seed_of(*parts: object) -> int:
    """One 63-bit seed from what it belongs to, e.g. (seed, run, stage); the same in every process."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_deterministic(*, threads: int) -> None:
    """Same bits every time on one machine: fixed thread count, deterministic kernels."""
    torch.set_num_threads(threads)
    # The same as use_deterministic_algorithms(True), which imports the compiler: 2.7 s a stage, for nothing.
    torch.set_deterministic_debug_mode("error")
    # In this mode torch fills new memory before it is written, a tenth of a small network's step.  No model
    # reads it unwritten: `tests/storage/test_large.py` trains all of them with and without NaN in it, to the same bits.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    # float32 is float32 on a GPU as well: its TF32 has 10 bits of mantissa, and convolutions use it by default.
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")


def optimize_without_compiler() -> None:
    """Let this process's optimisers run as they are; else they import the compiler, only to be left alone by it.

    That costs more than `import torch` itself.  What they compute is untouched; `step` keeps gradients off as before.
    """
    for kind in (Optimizer, *Optimizer.__subclasses__()):
        for name in {"add_param_group", "load_state_dict", "state_dict", "zero_grad"} & vars(kind).keys():
            setattr(kind, name, inspect.unwrap(getattr(kind, name)))
        step = vars(kind).get("step")
        if step is not None and kind is not Optimizer:
            setattr(kind, "step", torch.no_grad()(inspect.unwrap(step)))  # noqa: B010


def pick_device(name: str, *, jobs_per_gpu: int = 1) -> torch.device:
    """`auto` is a GPU, or the CPU where there is none; a GPU is waited for until fewer than so many jobs are on it.

    Raises:
        InputError: a GPU is asked for, and there is none, or none of that number.
    """
    if name == "cpu":
        return torch.device(name)
    names = gpus.visible()
    number = int(name.partition(":")[2] or 0)
    if number and number >= len(names) > 0:
        raise InputError(f"device: got {name!r}, but this machine has {len(names)} GPU(s), numbered from 0")
    if names:
        gpus.occupy([names[number]] if ":" in name else names, jobs_per_gpu=jobs_per_gpu)
        name = name.partition(":")[0]  # the claimed one is the only one left, and so the first
    elif name == "auto" and "SLURM_JOB_ID" in os.environ and gpus.VISIBLE not in os.environ:
        return torch.device("cpu")  # what the node has was not given to this job
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device: got {name!r}, but this machine has no usable GPU; expected auto or cpu")
    return torch.device(name)


def random_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
