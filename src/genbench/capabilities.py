"""What a model may be able to do besides sampling: small protocols that the stages ask for, never a tree of classes."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

from torch import Generator, Tensor

from genbench.core import GenerativeModel, Splits


@runtime_checkable
class Likelihood(Protocol):
    """log p(x) in nats, summed over dimensions; `exact`, or else a lower bound in expectation."""

    exact: bool

    def log_prob(self, x: Tensor) -> Tensor:
        """(n, *space.shape) in [0, 1] -> (n,) nats."""
        ...


@runtime_checkable
class ImportanceWeighted(Likelihood, Protocol):
    """A likelihood that, where it is not exact, is a lower bound: the logarithm of a mean of `importance` weights.

    `importance` may be set.  tightens: whether the bound is tighter with more of them (Burda et al., 2016,
    arXiv:1509.00519), or they are averaged as they are, and more bring nothing but less noise.
    """

    importance: int

    @property
    def tightens(self) -> bool: ...


@runtime_checkable
class ScoreField(Protocol):
    """∇ log p_σ, p_σ the density of the data under noise from N(0, σ²), for the σ in `noises`; at 0 the data's own."""

    noises: tuple[float, ...]

    def log_density_gradient(self, x: Tensor, noise: float) -> Tensor:
        """(n, *space.shape) in the unit of the data -> (n, *space.shape)."""
        ...


@runtime_checkable
class Latent(Protocol):
    """A prior over codes and a decoder: enough for latent walks and interpolation."""

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        """(n, k) codes."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) codes -> (n, *space.shape) in [0, 1]."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Says in numbers what an element is: latent variables, or what an upper layer of a network makes of it."""

    def codes(self, x: Tensor) -> Tensor:
        """(n, *space.shape) in [0, 1] -> (n, k), of each element by itself, and the same whenever it is asked."""
        ...


@runtime_checkable
class Completion(Protocol):
    """Fills in what is hidden."""

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """x with the values where mask is False drawn anew; mask: bool, broadcastable to x."""
        ...


@runtime_checkable
class Pairs(Protocol):
    """Draws two pictures of one identity that differ in everything else."""

    def pairs(self, n: int, *, rng: Generator) -> tuple[Tensor, Tensor]:
        """(n, *space.shape) twice, in [0, 1]: row i of both has one identity code, and two codes of observation."""
        ...


@runtime_checkable
class Joint(Protocol):
    """Of a model of two domains: an element and the source that belongs to it, made together."""

    def joint(self, n: int, *, rng: Generator) -> tuple[Tensor, Tensor]:
        """(n, *space.shape) and (n, *space.source) in [0, 1]: row i of both belongs together."""
        ...


@runtime_checkable
class StyleMixing(Latent, Protocol):
    """Decodes two codes into one element: from some layer on the styles are those of the second.

    crossovers: the first layers whose styles may be the second's, ascending.
    """

    crossovers: tuple[int, ...]

    def mix(self, a: Tensor, b: Tensor, crossover: int, *, rng: Generator) -> Tensor:
        """(n, k) codes as of `prior`, twice -> (n, *space.shape) in [0, 1]; layers before `crossover` are a's."""
        ...


@runtime_checkable
class Truncation(Protocol):
    """Trades diversity for quality by keeping codes near the middle of their prior.

    truncations: from the loosest to the tightest.
    """

    truncations: tuple[float, ...]

    def truncated(
        self, n: int, truncation: float, condition: Tensor | None = None, *, rng: Generator
    ) -> Tensor:
        """n new elements, as of `sample`."""
        ...


@runtime_checkable
class Reconstruction(Protocol):
    """Of a model that translates: gives a source back in its own domain, by its own decoder or by way of the other."""

    def reconstructed(self, source: Tensor) -> Tensor:
        """(n, *space.source) in [0, 1] -> the same."""
        ...


class Measure(NamedTuple):
    """values: (m,), one for each element measured, shown as their mean with its interval; one alone has none.

    meaning: a sentence for the report.  better: which way, where one is.
    """

    values: Tensor
    meaning: str
    better: Literal["up", "down"] | None = None


@runtime_checkable
class Measured(Protocol):
    """Numbers that only this kind of model has, taken on held-out data."""

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Short title -> measure."""
        ...


class Scatter(NamedTuple):
    """Points of a plane, (n, 2), drawn in the colours of their labels, int64 (n,), 0 and up; None for one colour."""

    points: Tensor
    label: Tensor | None = None


@runtime_checkable
class Shown(Protocol):
    """Pictures that only this kind of model has: traversals, reconstructions, maps of codes, translations and back."""

    def show(self, splits: Splits, *, rng: Generator) -> Mapping[str, Tensor | Scatter]:
        """Caption -> elements (rows, columns, *space.shape) in [0, 1], or a scatter plot."""
        ...


@runtime_checkable
class Watched(Protocol):
    """Looked at now and then while it trains: always with the same noise, and without any effect on the training."""

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """Name -> tensor of the same shape every time; "x": samples (k, *space.shape) in [0, 1]."""
        ...


C = TypeVar("C")


def capability(model: GenerativeModel, protocol: type[C]) -> C | None:
    """The model seen as `protocol`, or None where it cannot do that."""
    return model if isinstance(model, protocol) else None
