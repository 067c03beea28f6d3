"""Several processes train one model: each takes an equal share of every batch, and their gradients are averaged.

They start from the same weights and make the same updates, so the weights stay the same in all of them.  What a model
draws in its losses, each process draws for itself: from a stream of its own that follows from (seed, rank).
"""

import atexit
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, distributed, nn

from genbench.runtime.gpus import HELD
from genbench.runtime.launch import RENDEZVOUS, PeerLostError
from genbench.runtime.machine import random_state, seed_of, set_random_state
from genbench.storage.files import InputError

if TYPE_CHECKING:
    from genbench.core import Batch


class Group(NamedTuple):
    """The processes of a training as one of them sees them; by default it is alone.

    Collective operations are called by all processes in the same order.  They raise PeerLostError if another has ended.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cpu")

    @property
    def is_rank_zero(self) -> bool:
        """Rank 0 writes the outputs and prints progress; the others are quiet."""
        return self.rank == 0

    def seed(self, seed: int) -> int:
        """The seed of this process's own random stream; rank 0 keeps the seed of the run."""
        return seed if self.is_rank_zero else seed_of(seed, "process", self.rank)

    @contextmanager
    def same_random_state(self, seed: int) -> Iterator[None]:
        """Inside, every process draws the same numbers; afterwards each goes on with its own."""
        if self.size == 1:
            yield
            return
        own = random_state()
        torch.manual_seed(seed)
        yield
        set_random_state(own)

    def shard(self, batch: "Batch") -> "Batch":
        """The part of a batch that this process computes; the sizes are equal."""
        if self.size == 1:
            return batch
        count = len(batch.x) // self.size
        rows = slice(self.rank * count, (self.rank + 1) * count)
        return batch.rows(rows)

    def average(self, loss: Tensor, parameters: Sequence[nn.Parameter]) -> float:
        """Average the gradients over the processes, in place, and return the average of the losses.

        All of it is one sum over one buffer, so that its order does not change from run to run.  A parameter that no
        process has a gradient for keeps none.
        """
        if self.size == 1:
            return float(loss.detach())
        grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        has_grad = [float(p.grad is not None) for p in parameters]
        with torch.no_grad():
            flat = torch.cat(
                [loss.detach().reshape(1), loss.new_tensor(has_grad), *(g.flatten() for g in grads)]
            )
            self.all_reduce(flat).div_(self.size)
            sizes = [1, len(has_grad), *(grad.numel() for grad in grads)]
            mean, used, *means = flat.split(sizes)
            for parameter, grad, mean_grad, anywhere in zip(
                parameters, grads, means, used.tolist(), strict=True
            ):
                parameter.grad = grad.copy_(mean_grad.view_as(grad)) if anywhere else None
        return float(mean)

    def decide(self, flag: bool) -> bool:
        """Rank 0 decides, so that all ranks checkpoint at the same step although their clocks differ."""
        if self.size == 1:
            return flag
        return bool(self.all_reduce(torch.tensor(float(flag and self.is_rank_zero), device=self.device)))

    def all_reduce(self, x: Tensor) -> Tensor:
        """The sum over all processes, in place and on each of them."""
        with _collective():
            distributed.all_reduce(x)
        return x

    def all_gather(self, content: bytes) -> list[bytes]:
        """What each process has, in order of rank; on all of them."""
        if self.size == 1:
            return [content]
        own = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        place = torch.arange(self.size, device=self.device) == self.rank
        lengths = self.all_reduce(place.long() * len(own))
        padded = nn.functional.pad(own, (0, int(lengths.max()) - len(own))).to(self.device)
        rows = [torch.empty_like(padded) for _ in range(self.size)]
        with _collective():
            distributed.all_gather(rows, padded)
        return [
            row[:length].cpu().numpy().tobytes() for row, length in zip(rows, lengths.tolist(), strict=True)
        ]


ALONE = Group()


def join(run: str, processes: int, device: torch.device) -> Group:
    """The group of this process, if the run has several; on GPUs each process takes one of its own.

    Raises:
        InputError: it is one of another number of processes, or there are fewer GPUs than processes.
    """
    started = int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else processes
    if started != processes:
        raise InputError(
            f"runs.{run}.processes: got {processes}, but torchrun has started {started}; expected the same number"
        )
    if processes == 1:
        return Group(device=device)
    rank = int(os.environ["RANK"])
    place = 0 if HELD in os.environ else int(os.environ["LOCAL_RANK"])  # a claimed GPU is the only one seen
    backend = "gloo"
    if device.type == "cuda":
        found = torch.cuda.device_count()
        if device.index is not None or found <= place:
            raise InputError(
                f"runs.{run}.processes: got {processes} on device {device}, with {found} GPU here; "
                "expected a GPU for each process, and no number in device"
            )
        device, backend = torch.device("cuda", place), "nccl"
        torch.cuda.set_device(device)
    meeting = os.environ.get(RENDEZVOUS)
    if meeting:
        loopback = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
        if loopback:  # all processes are on this machine: nothing need listen to others
            os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", loopback)
    method = Path(meeting, "store").as_uri() if meeting else "env://"
    with _collective():
        distributed.init_process_group(backend, init_method=method, rank=rank, world_size=processes)
    atexit.register(distributed.destroy_process_group)
    return Group(rank, processes, device)


def normalise_whole_batches(model: nn.Module, group: Group) -> None:
    """Batch normalisation by the statistics of the whole batch, not of each process's share of it.

    torch.nn.SyncBatchNorm does this on GPUs alone.
    """
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.forward = _WholeBatch(module, group)  # type: ignore[method-assign,assignment]


class _WholeBatch:
    """The forward pass of one batch normalisation, in the place of its own."""

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm, group: Group) -> None:
        self.norm, self.group = norm, group

    def __call__(self, x: Tensor) -> Tensor:
        """(n, c, …) -> the same.  Mean and variance are put together from those of equal shares (Chan et al., 1979)."""
        norm, size = self.norm, self.group.size
        if not norm.training:
            return type(norm).forward(norm, x)
        h = x.float()
        axes = [0, *range(2, x.ndim)]
        own = torch.stack([h.mean(axes), h.var(axes, correction=0)])  # (2, c)
        place = torch.arange(size, device=x.device) == self.group.rank
        every = _Sum.apply(place[:, None, None] * own, self.group)  # (processes, 2, c)
        mean = every[:, 0].mean(0)
        var = every[:, 1].mean(0) + (every[:, 0] - mean).square().mean(0)
        if norm.running_mean is not None and norm.running_var is not None:
            norm.num_batches_tracked.add_(1)  # type: ignore[union-attr]
            momentum = norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)  # type: ignore[arg-type]
            count = size * h.numel() // h.shape[1]
            norm.running_mean.lerp_(mean.detach(), momentum)
            norm.running_var.lerp_(var.detach() * count / (count - 1), momentum)
        each = [1, -1, *[1] * (x.ndim - 2)]
        scale = (var + norm.eps).rsqrt()
        h = (h - mean.view(each)) * scale.view(each)
        if norm.affine:
            h = h * norm.weight.view(each) + norm.bias.view(each)
        return h.to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes; each one's gradient is the sum of the gradients of all."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: Group) -> Tensor:
        ctx.group = group
        return group.all_reduce(x.clone())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _Sum.apply(grad, ctx.group), None


@contextmanager
def _collective() -> Iterator[None]:
    """Raises PeerLostError where a collective operation fails: in a training, because another process is gone."""
    try:
        yield
    except RuntimeError as error:
        raise PeerLostError(f"lost another process of the group: {str(error).splitlines()[0]}") from error
