"""Techniques for training GANs, of Salimans et al. (2016), arXiv:1606.03498, section 3."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genbench.nn.games import Losses
from genbench.nn.snapshots import vector_of

TECHNIQUES = (
    "feature_matching",
    "minibatch_discrimination",
    "historical_averaging",
    "label_smoothing",
    "virtual_batch_norm",
)


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """‖E f(x) − E f(G(z))‖² (section 3.1): (n, k) features of data, held fixed, and of generated elements -> ()."""
    return (real.detach().mean(0) - fake.mean(0)).square().sum()


class MinibatchDiscrimination(nn.Module):
    """o(x_i)_b = Σ_{j≠i} exp(−‖M_{i,b} − M_{j,b}‖₁), M_i = f(x_i) T: how close the others are (section 3.2).

    The sum leaves the element itself out, as the authors' code does: it would add 1 everywhere.  As there, the rows of
    T have norm 1 times a scale that is learnt.  A batch holds data alone or generated elements alone; in a mixed one
    an element's score would depend on elements of the other kind.
    """

    def __init__(self, inputs: int, kernels: int, dimensions: int) -> None:
        super().__init__()
        self.kernels = kernels
        self.weight = nn.Parameter(torch.randn(kernels * dimensions, inputs))
        self.log_scale = nn.Parameter(torch.zeros(kernels * dimensions))

    def closeness(self, x: Tensor) -> Tensor:
        """(n, k) -> o, (n, kernels), each from 0 to n − 1."""
        rows = nn.functional.normalize(self.weight, dim=1) * self.log_scale.exp()[:, None]
        m = nn.functional.linear(x, rows).unflatten(1, (self.kernels, -1)).transpose(0, 1)  # (B, n, C)
        near = torch.exp(-torch.cdist(m, m, p=1.0))  # (B, n, n)
        return (near.sum(2) - near.diagonal(dim1=1, dim2=2)).T

    def forward(self, x: Tensor) -> Tensor:
        """(n, k) features of a batch -> (n, k + kernels)."""
        return torch.cat([x, self.closeness(x)], 1)


class HistoricalAverage(nn.Module):
    """‖θ − 1/t Σ_{i≤t} θ[i]‖² (section 3.3), for the parameters of one player.

    The mean and t are buffers: a training that is killed and resumed goes on with the same past.
    """

    mean: Tensor
    count: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    def forward(self, parameters: Sequence[nn.Parameter]) -> Tensor:
        """The parameters, `size` numbers in all, at the next step -> (); they join the mean, which has no gradient."""
        now = vector_of(parameters)
        self.count += 1
        self.mean.lerp_(now.detach(), 1 / self.count)
        return (now - self.mean).square().sum()


def one_sided(losses: Losses, real: float) -> Losses:
    """What the discriminator pays where an answer on data should be `real` in place of 1 (section 3.4).

    On generated elements it should be 0 as before: D then nears real · p / (p + p_G), which is `real`/2 where p_G = p.
    """
    return losses._replace(real=lambda score: real * losses.real(score) + (1 - real) * losses.fake(score))


class VirtualBatchNorm(nn.Module):
    """Batch norm by the statistics of a reference batch, the first rows, and of the element itself (section 3.5).

    The reference batch is normalised by its own statistics alone, so that an element's output follows from it and the
    reference batch, and from no other element.
    """

    def __init__(self, maps: int, reference: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.reference, self.eps = reference, eps
        self.weight, self.bias = nn.Parameter(torch.ones(maps)), nn.Parameter(torch.zeros(maps))

    def forward(self, x: Tensor) -> Tensor:
        """(reference + n, maps, …) -> the same shape."""
        places = list(range(2, x.ndim))
        moments = torch.stack([x, x.square()])
        own = moments.mean([d + 1 for d in places], keepdim=True) if places else moments
        shared, rest = own[:, : self.reference].mean(1, keepdim=True), own[:, self.reference :]
        mixed = (self.reference * shared + rest) / (self.reference + 1)
        mean, square = torch.cat([shared.expand_as(own[:, : self.reference]), mixed], 1)
        scale = self.weight[(..., *[None] * len(places))]
        shift = self.bias[(..., *[None] * len(places))]
        return (x - mean) * ((square - mean.square()).clamp(min=0) + self.eps).rsqrt() * scale + shift


def virtually_normalised(layers: nn.Sequential, reference: int) -> nn.Sequential:
    """Every batch norm among the layers replaced by a virtual one."""
    norms = nn.BatchNorm1d | nn.BatchNorm2d
    return nn.Sequential(
        *(
            VirtualBatchNorm(each.num_features, reference) if isinstance(each, norms) else each
            for each in layers
        )
    )
