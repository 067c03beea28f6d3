"""Samples from the same noise at many moments of a training: what the scores over training are computed from.

How many moments follows from what a sampling costs, counted and not timed, so that the same training gives the same
bytes on any machine: a network that is run once for a sample is cheap beside a training step, one that is run a hundred
times is not.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Generator, Tensor
from torch.overrides import TorchFunctionMode

from genbench.capabilities import Watched, capability
from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.runtime.machine import seed_of

SAMPLES = 256  # at each moment: enough for a histogram of ten classes
LEAST = 16  # moments; fewer say nothing of how a training went
BYTES = 1 << 26  # of all samples of a training together
WORTH = 3.0  # samples of one pass for each training element

A = TypeVar("A")


class Follower:
    """Asks a model for samples at evenly spaced steps, and leaves its training as it was.

    moments: how many are wanted; there are fewer where sampling is costly, and none where they would be below LEAST.
    trained: elements that the training sees, steps · batch size.  saved: of a checkpoint, what `state` gave.
    """

    def __init__(
        self,
        model: GenerativeModel,
        splits: Splits,
        phases: Sequence[Phase],
        *,
        steps: int,
        trained: int,
        moments: int,
        seed: int,
        saved: dict[str, Any] | None,
    ) -> None:
        self.model, self.splits, self.seed, self.steps, self.trained = model, splits, seed, steps, trained
        self.wanted = moments if steps and _can_be_sampled(model, phases) else 0
        self.passes: int | None = saved["passes"] if saved else None
        self.moments: set[int] | None = None
        self.taken: dict[int, Tensor] = saved["taken"] if saved else {}

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"passes": self.passes, "taken": self.taken}

    def look(self, step: int) -> None:
        """`step` steps are done; taken once, whether or not the training was resumed since."""
        if not self.wanted or step in self.taken:
            return
        if self.passes is None:
            self.passes = self._asked(lambda rng: passes(self.model, self._condition(2), rng))
        if self.moments is None:
            self.moments = self._spaced(self.passes)
        if step in self.moments:
            self.taken[step] = self._asked(self._samples)

    @torch.no_grad()
    def _asked(self, question: Callable[[Generator], A]) -> A:
        """What the model answers in evaluation, always from the same noise; its training does not notice."""
        training, device = self.model.training, _device(self.model)
        self.model.eval()
        own = [device] if device.type == "cuda" else []  # to look for others takes 15 ms
        with torch.random.fork_rng(own):
            answer = question(Generator(device).manual_seed(seed_of(self.seed, "follow")))
        self.model.train(training)
        return answer

    def _samples(self, rng: Generator) -> Tensor:
        x = self.model.sample(SAMPLES, self._condition(SAMPLES), rng=rng)
        return torch.from_numpy(self.model.space.stored(x))

    def arrays(self) -> dict[str, np.ndarray]:
        """step: (moments,), x: (moments, SAMPLES, *shape) as stored data; nothing where there are none."""
        if not self.taken:
            return {}
        steps = sorted(self.taken)
        return {"step": np.array(steps), "x": np.stack([self.taken[step].numpy() for step in steps])}

    def _spaced(self, passes: int) -> set[int]:
        count = affordable(self.model.space, self.wanted, passes=passes, trained=self.trained)
        return {round(i * self.steps / (count - 1)) for i in range(count)} if count else set()

    def _condition(self, n: int) -> Tensor | None:
        """That of n training elements, spread evenly."""
        batch = self.splits.train.rows(torch.arange(n) * len(self.splits.train.x) // n)
        found = self.model.condition_of(batch)
        assert found is None or isinstance(found, Tensor)  # a `Batch` holds tensors
        return found


def affordable(space: Space, wanted: int, *, passes: int, trained: int) -> int:
    """How many moments of `wanted` a training of so many elements can pay for.

    A model of one pass is trained beside others, a critic or an encoder, and with gradients, and so its samples cost a
    tenth of that or less; one of many passes is trained alone, one pass at a time.  Hence the square.
    """
    size = SAMPLES * space.dimensions * (1 if space.levels else 4)
    count = min(wanted, BYTES // size, int(WORTH * trained / (SAMPLES * max(1, passes) ** 2)))
    return count if count >= LEAST else 0


def passes(model: GenerativeModel, condition: Tensor | None, rng: Generator) -> int:
    """How often the most used of a model's parameters enters a computation while two samples are drawn."""
    with _Uses(model) as uses:
        model.sample(2, condition, rng=rng)
    return max(uses.counts.values(), default=0)


class _Uses(TorchFunctionMode):
    """Counts the operations that read each parameter; neither a view of one nor a question for its shape is any."""

    def __init__(self, model: GenerativeModel) -> None:
        super().__init__()
        self.owned = {_place(parameter) for parameter in model.parameters()}
        self.counts: Counter[int] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = func(*args, **(kwargs or {}))
        made, read = (set(map(_place, _tensors(values))) for values in (given, (args, kwargs or {})))
        if made:
            self.counts.update((read & self.owned) - made)
        return given


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _tensors(each)


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _can_be_sampled(model: GenerativeModel, phases: Sequence[Phase]) -> bool:
    """Whether samples mean anything before the training is over: not if what draws them is fitted at its end."""
    begun = [phase for i, phase in enumerate(phases) if any(each.objectives for each in phases[:i])]
    return capability(model, Watched) is not None or not any(phase.fit for phase in begun)


def _device(model: GenerativeModel) -> torch.device:
    return next(model.parameters(), torch.empty(0)).device
