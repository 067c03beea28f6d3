"""Inverse autoregressive flow (Kingma et al., 2016), arXiv:1606.04934.  x_i = z_i σ_i(z_<i) + μ_i(z_<i).

MAF's map taken the other way: a value is conditioned on the codes before it, not on the data.  A sample takes one pass;
log p(x) = log p(z) − Σ_i log σ_i needs the codes of x, which are found one after another.  For many values that makes
training too slow, and a MAF teaches the flow instead (probability distillation: van den Oord et al., 2018,
arXiv:1711.10433).  Their divergence, KL(student ‖ teacher), gave blurred digits, all much alike; here the student is
shown how the teacher maps data (an "instructive" signal: Huang et al., 2020, PMLR 115:1212).
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Objective, Phase, Space, Splits, parameters_in
from genbench.nn.bases import IndependentMixtures, StandardNormal
from genbench.nn.bounds import asked_at_most
from genbench.nn.masked import MaskedAffine, autoregressive_maps
from genbench.nn.normalizing_flow import NormalizingFlow
from genbench.nn.schedules import cosine


class Inverted(nn.Module):
    """A map and its inverse with their places exchanged; σ = exp(−α) in the terms of `MaskedAffine`."""

    def __init__(self, inner: MaskedAffine) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner.inverse(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self.inner(z)
        return found


class IAF(NormalizingFlow):
    """Maximum likelihood for data of few values, distillation for others.

    blocks: number of maps, every second of which takes the values in the opposite order.  hidden, layers: of the
    network of each.  components: with 1 codes are N(0, I), with more each has a mixture of so many Gaussians of its
    own.  learning: "likelihood", with a step for each value in every pass; or "distillation", in which MAF's maps, as
    many and as large, learn the likelihood first, in `teaching` of the steps, and each is then imitated by one of the
    flow's.  dropout acts on hidden units of what learns the likelihood.  alpha: images go through
    logit(α + (1 − 2α) x).  importance: draws of the dequantisation noise that `log_prob` averages.

    In the plane, as with MAF, a map with N(0, I) is a coupling of RealNVP's, and the gain is that of the mixtures.
    """

    tiny: ClassVar = {"blocks": 2, "hidden": 24, "learning": "distillation", "importance": 400, "lr": 3e-3}

    def __init__(
        self,
        space: Space,
        *,
        blocks: int = 5,
        hidden: int = 256,
        layers: int = 2,
        components: int = 1,
        learning: Literal["likelihood", "distillation"] = "likelihood",
        teaching: float = 0.5,
        dropout: float = 0.0,
        alpha: float = 0.05,
        importance: int = 20,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space, alpha=alpha, importance=importance, lr=lr, weight_decay=weight_decay)
        if not 0 < teaching < 1:
            raise ValueError(f"teaching: got {teaching}; expected a share of the steps, between 0 and 1")
        d, taught = space.dimensions, learning == "distillation"
        sizes = d, blocks, hidden, layers
        own = autoregressive_maps(*sizes, 0.0 if taught else dropout)
        self.maps = nn.ModuleList(Inverted(each) for each in own)
        self.base = IndependentMixtures(d, components) if components > 1 else StandardNormal(d)
        self.teacher = nn.ModuleList(autoregressive_maps(*sizes, dropout) if taught else [])
        self.likelihoods_at_most = asked_at_most(space.dimensions)
        self.teaching = teaching

    @property
    def free_parameters(self) -> int:
        """Those of the flow; the teacher was its way to them."""
        return super().free_parameters - parameters_in(self.teacher)

    def distillation(self, batch: Batch) -> Tensor:
        """Σ ‖x̂ − x‖² + ‖log σ̂ − α‖² over the maps, each a mean over values.

        At data x the teacher's map has a scale exp(α) and a code z, of which the student's map makes x̂ with its σ̂.
        """
        self.teacher.eval()
        x, loss = self.points(batch.x)[0], torch.zeros((), device=batch.x.device)
        for own, shown in zip(self.maps, self.teacher, strict=True):
            with torch.no_grad():
                shift, log_scale = shown.affine(x)  # type: ignore[operator]
                z = (x - shift) * (-log_scale).exp()
            shift, minus_log_sigma = own.inner.affine(z)  # type: ignore[operator,union-attr]
            found = (z - shift) * (-minus_log_sigma).exp()
            loss = loss + F.mse_loss(found, x) + F.mse_loss(-minus_log_sigma, log_scale)
            x = z
        return loss

    def phases(self) -> list[Phase]:
        if not self.teacher:
            return super().phases()
        adam = partial(torch.optim.Adam, lr=self.lr)
        imitate = Objective(
            "imitation", list(self.maps.parameters()), self.distillation, adam, clip=5.0, schedule=cosine
        )
        return [
            Phase("standardise", fit=self.standardise),
            self.likelihood(self.teacher, "teacher", self.teaching),
            Phase("student", (imitate,), share=1 - self.teaching),
        ]

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """What a flow shows, and what imitation has cost."""
        found = super().measure(splits, rng=rng)
        if self.teacher:
            points, _ = self.points(splits.held_out.some().x, rng)
            lost = self.density_by(self.teacher, points) - self.density(points)
            meaning = "log p(x) of the teacher minus that of the flow, in nats, of held-out elements."
            found["likelihood lost to the teacher"] = Measure(lost, meaning, "down")
        return found
