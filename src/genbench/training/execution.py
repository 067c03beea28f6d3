"""How a training computes: by how many processes, in which precision, compiled or not.

`bfloat16` runs the matrix products and convolutions of a loss in bfloat16.  Weights, gradients, optimisers and averages
stay float32, and so does what leaves a network: a log-likelihood of hundreds of nats has no digits left in bfloat16.
`compile` compiles the networks; what a loss does with their outputs stays as it is.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from genbench.runtime.group import ALONE, Group, normalise_whole_batches
from genbench.storage.files import InputError

COMPILERS = ("g++", "c++", "clang++")


class Execution(NamedTuple):
    """By default one process, float32, as written."""

    group: Group = ALONE
    precision: str = "float32"
    compile: bool = False

    def prepare(self, model: nn.Module, run: str, *, steps: int) -> None:
        """Make a model compute so.

        Raises:
            InputError: its training takes no steps, so that there is nothing to change, or there is no compiler.
        """
        wanted = [
            f"processes: {self.group.size}" if self.group.size > 1 else "",
            f"precision: {self.precision}" if self.precision != "float32" else "",
            "compile: true" if self.compile else "",
        ]
        if any(wanted) and not steps:
            named = next(filter(None, wanted))
            raise InputError(
                f"runs.{run}: got {named} for a model that is fitted in closed form; expected it to be left out"
            )
        if self.group.size > 1:
            normalise_whole_batches(model, self.group)
        if self.precision == "bfloat16":
            _give_float32(model)
        if self.compile:
            _check_compiler(run, self.group.device)
            for network in networks(model):
                network.compile(dynamic=False)

    @contextmanager
    def explained(self, run: str) -> Iterator[None]:
        """Around a training: what cannot be normalised or compiled is the entry's mistake, in one line.

        Raises:
            InputError: a batch is too small for batch normalisation; the compiler failed, or the model's gradient
                penalty needs what it does not do.
        """
        try:
            with self._compiled(run):
                yield
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise InputError(
                f"runs.{run}.batch_size: too small for the model's batch normalisation; "
                "expected at least 2 elements for each process"
            ) from error

    @contextmanager
    def _compiled(self, run: str) -> Iterator[None]:
        if not self.compile:
            yield
            return
        from torch._dynamo.exc import BackendCompilerFailed

        try:
            yield
        except BackendCompilerFailed as error:
            raise InputError(
                f"runs.{run}.compile: {_first_line(error)}; expected a network that compiles"
            ) from error
        except RuntimeError as error:
            if "double backward" not in str(error):
                raise
            raise InputError(
                f"runs.{run}.compile: got true for a loss that holds a gradient; expected false, "
                "compiled networks cannot be differentiated twice"
            ) from error

    def autocast(self) -> AbstractContextManager[Any]:
        """Around a loss alone."""
        if self.precision == "float32":
            return nullcontext()
        # No cache: a copy of a weight made under no_grad would be used again where its gradient is wanted.
        return torch.autocast(self.group.device.type, torch.bfloat16, cache_enabled=False)

    def uncompiled(self) -> AbstractContextManager[Any]:
        """Around what is no training step: with other shapes it would be compiled again, for nothing."""
        return torch.compiler.set_stance("force_eager") if self.compile else nullcontext()


AS_WRITTEN = Execution()


def networks(model: nn.Module) -> list[nn.Module]:
    """The parts of a model that its losses call: its children, and those of its lists."""
    lists = (nn.ModuleList, nn.ModuleDict)
    return [
        part
        for child in model.children()
        for part in (networks(child) if isinstance(child, lists) else [child])
    ]


def _give_float32(model: nn.Module) -> None:
    """What leaves a module that no other module called is float32 again."""
    depth = 0

    def enter(*_: Any) -> None:
        nonlocal depth
        depth += 1

    def leave(module: nn.Module, inputs: Any, output: Any) -> Any:
        nonlocal depth
        depth -= 1
        return _float32(output) if depth == 0 else output

    for module in model.modules():
        if module is not model:
            module.register_forward_pre_hook(enter)
            module.register_forward_hook(leave)


def _float32(value: Any) -> Any:
    if isinstance(value, Tensor) and value.dtype == torch.bfloat16:
        return value.float()
    return tuple(map(_float32, value)) if type(value) is tuple else value


def _check_compiler(run: str, device: torch.device) -> None:
    named = os.environ.get("CXX")
    if not any(map(shutil.which, [named] if named else COMPILERS)):
        raise InputError(
            f"runs.{run}.compile: got true, but this machine has no C++ compiler; "
            f"expected one of {', '.join(COMPILERS)} on the path, or compile: false"
        )
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise InputError(f"runs.{run}.compile: got true on a GPU without triton; expected it to be installed")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
