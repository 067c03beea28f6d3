"""The protocol: what a model is given and what it must provide; `genbench.capabilities` says what it may do besides.

A model file holds architecture and losses.  It knows no files, devices, loggers, seeds or arguments: the loop in
`genbench.training` knows those, and nothing of models.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Generator, Tensor, nn

from genbench.storage.arrays import evenly, slices
from genbench.storage.stored import Stored

SOME = 1 << 28  # bytes of what stands for data that is not held
VALUES = 1 << 23  # of the elements that a model is shown or asked for at once


class Space(NamedTuple):
    """What the data is; models are built from it, and raise ValueError where they cannot be.

    kind: "image", "points", "table" or "mesh", a file of `genbench.kinds`.
    shape: one element's: (c, h, w), (d,), (variables,) or (tokens,).
    levels: grey levels or categories per value, 2 for binary data; 0 where the values are taken as they stand.
    classes: number of labels, 0 where there are none.
    source: the shape of the images to translate from, () where there are none; `paired` where each has its target.
    """

    kind: str
    shape: tuple[int, ...]
    levels: int
    classes: int = 0
    source: tuple[int, ...] = ()
    paired: bool = False

    @property
    def dimensions(self) -> int:
        """D: the number of values in one element."""
        return int(torch.Size(self.shape).numel())

    def to_unit(self, stored: Tensor) -> Tensor:
        """Stored levels 0 … levels−1 -> float32 in [0, 1], the range every model sees."""
        return stored.float() / (self.levels - 1) if self.levels else stored

    def to_levels(self, x: Tensor) -> Tensor:
        """Values in [0, 1] -> the nearest level, as integers (rounded, never truncated)."""
        return (x.clamp(0, 1) * (self.levels - 1)).round().long() if self.levels else x

    @staticmethod
    def signed(x: Tensor) -> Tensor:
        """[0, 1] -> [−1, 1], the range of networks that end in tanh."""
        return 2 * x - 1

    @staticmethod
    def unsigned(x: Tensor) -> Tensor:
        """[−1, 1] -> [0, 1]."""
        return (x + 1) / 2

    def stored(self, x: Tensor) -> np.ndarray:
        """Values as a model gives them -> an array as data are stored: uint8 levels, or the values as they stand."""
        values: np.ndarray = self.to_levels(x).cpu().numpy()
        return values.astype(np.uint8) if self.levels else values


def space_of(card: Mapping[str, Any]) -> Space:
    """The space of a prepared dataset, by its card."""
    source, paired = tuple(card.get("source_shape", ())), bool(card.get("paired"))
    return Space(card["kind"], tuple(card["shape"]), card["levels"], card["classes"], source, paired)


def at_once(space: Space) -> int:
    """How many elements a model is shown or asked for at once where it could be any number."""
    return max(1, VALUES // space.dimensions)


class Batch(NamedTuple):
    """Elements with what is known of each; None where the dataset does not say, or has nothing of the kind.

    x: (n, *space.shape) in [0, 1], or as stored where the space has no levels.
    label: int64 (n,) classes 0 … space.classes − 1.
    source: (n, *space.source) in [0, 1], images to translate from.
    identity: int64 (n,), equal where two elements show the same person.
    factors: float32 (n, k), what each element was made from; columns in the order of the dataset's card.
    """

    x: Tensor
    label: Tensor | None = None
    source: Tensor | None = None
    identity: Tensor | None = None
    factors: Tensor | None = None

    def rows(self, index: slice | Tensor) -> "Batch":
        """The elements at these places, a slice or an index on any device, with what is known of them."""
        return _rows(self, index)

    def blocks(self) -> Iterator["Batch"]:
        """All elements in order, in pieces that a model can be shown at once: here in one."""
        yield self

    def some(self) -> "Batch":
        """As many elements as can be held, which here are all."""
        return self

    def whole(self) -> Tensor:
        """All x as one tensor."""
        return self.x


class Streamed(NamedTuple):
    """Elements too many to hold, with the fields of `Batch`: x and source are read when they are asked for."""

    x: Stored
    label: Tensor | None = None
    source: Stored | None = None
    identity: Tensor | None = None
    factors: Tensor | None = None

    def rows(self, index: slice | Tensor) -> Batch:
        """The elements at these places, a slice or an index on any device, with what is known of them."""
        return _rows(self, index)

    def blocks(self) -> Iterator[Batch]:
        """All elements in order, in pieces that can be held."""
        for part in slices(len(self.x), max(1, VALUES // self.x.shape[1:].numel())):
            yield self.rows(part)

    def some(self) -> Batch:
        """As many elements as SOME bytes hold, spread evenly over all."""
        held = max(1, SOME // (4 * self.x.shape[1:].numel()))
        return self.rows(torch.from_numpy(evenly(len(self.x), held)))

    def whole(self) -> Tensor:
        """All x as one tensor after all: for elements that are short, or that a control has to keep."""
        return torch.cat([part.x for part in self.blocks()])


Data = Batch | Streamed


def _rows(data: Data, index: slice | Tensor) -> Batch:
    def of(values: Tensor | Stored) -> Tensor:
        if isinstance(index, Tensor) and isinstance(values, Tensor):
            return values[index.to(values.device)]
        return values[index]

    return Batch(**{field: of(values) for field, values in data._asdict().items() if values is not None})


class Splits(NamedTuple):
    """The prepared data, for closed-form fits.  Only the controls may look at `held_out`.

    intensity: uint8 levels (n, *space.shape) that training steps draw the binary x of `train` from, where they do so
    afresh; it is for the drawing of batches alone.
    """

    train: Data
    held_out: Data
    intensity: Tensor | Stored | None = None


def constant(progress: float) -> float:
    """The default schedule: the learning rate stays as it is."""
    return 1.0


class Objective(NamedTuple):
    """One player: the parameters it owns and the loss that moves them, and nothing else.

    The loop steps every objective in turn, each at the steps that `every` divides, with
    `loss.backward(inputs=parameters)`: no player's gradient reaches another's parameters.
    `schedule` maps progress within the phase, 0 … 1, to a factor on the learning rate.
    """

    name: str
    parameters: Sequence[nn.Parameter]
    loss: Callable[[Batch], Tensor]
    optimizer: Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]
    every: int = 1
    clip: float | None = None
    schedule: Callable[[float], float] = constant


class Phase(NamedTuple):
    """A stretch of training: objectives with their share of the steps, or one closed-form fit.

    `progress` is called before each step with 0 ≤ progress < 1, the share of the phase that is done (a fade-in's α):
    what it sets must follow from its argument alone, so that a resumed run sets it again.
    """

    name: str
    objectives: tuple[Objective, ...] = ()
    share: float = 1.0
    fit: Callable[[Splits], None] | None = None
    progress: Callable[[float], None] | None = None


@runtime_checkable
class Counted(Protocol):
    """A module that counts its own numbers: some of its weights stand behind a mask, or what is fitted is no weight."""

    @property
    def own_parameters(self) -> int:
        """How many numbers of its own, without those of modules within it, a fit chooses."""
        ...


def parameters_in(module: nn.Module) -> int:
    """How many numbers a fit chooses in a module and all within it: weights that can move, and fitted tables.

    A weight behind a mask counts for nothing, nor do running statistics of the data by which values are normalised.
    """

    def own(part: nn.Module) -> int:
        if isinstance(part, Counted):
            return part.own_parameters
        return sum(parameter.numel() for parameter in part.parameters(recurse=False))

    return sum(own(part) for part in module.modules())


class GenerativeModel(nn.Module, ABC):
    """Built from the space and keyword-only hyper-parameters; the paper's constants are the defaults.

    conditional: the field of a batch that `sample` heeds as its `condition`, if any; such a model is asked for that of
    the held-out data.
    independent: whether n samples may as well be drawn in several calls, for want of memory.
    noiseless: whether samples follow from the data or the condition alone, whatever the random source.
    likelihoods_at_most: of how many elements `log_prob` is asked where one takes many passes; None: of all.
    weakness: what the kind has to do without, in a sentence that stands in the report where a control is ahead of it.
    tiny: hyper-parameters at which a training takes seconds; the laws of the zoo build the model with them.
    """

    conditional: ClassVar[Literal["label", "source"] | None] = None
    independent: ClassVar[bool] = True
    noiseless: ClassVar[bool] = False
    likelihoods_at_most: int | None = None
    weakness: ClassVar[str] = ""
    tiny: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space

    @property
    def free_parameters(self) -> int:
        """How many numbers the fit chose; a model fitted in closed form, whose tables are buffers, counts those."""
        return parameters_in(self)

    def condition_of(self, data: Data) -> Tensor | Stored | None:
        """What `sample` is given as its condition for these elements."""
        return {None: None, "label": data.label, "source": data.source}[self.conditional]

    @abstractmethod
    def phases(self) -> list[Phase]:
        """How the model is fitted, in order."""

    @abstractmethod
    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """n new elements, (n, *space.shape) in [0, 1]; all randomness comes from `rng`."""
