"""Seeds, threads, devices and random state: what makes two runs on one machine agree to the bit."""

import hashlib
import inspect
from typing import Any

import torch
from torch.optim import Optimizer

from genbench.files import InputError


def seed_of(*parts: object) -> int:
    """One 63-bit seed from what it belongs to, e.g. (seed, run, stage); the same in every process."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_deterministic(*, threads: int) -> None:
    """Same bits every time on one machine: fixed thread count, deterministic kernels."""
    torch.set_num_threads(threads)
    # The same as use_deterministic_algorithms(True), which imports the compiler: 2.7 s a stage, for nothing.
    torch.set_deterministic_debug_mode("error")
    torch.backends.cudnn.benchmark = False


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


def pick_device(name: str) -> torch.device:
    """`auto` is the first GPU, or the CPU where there is none."""
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
