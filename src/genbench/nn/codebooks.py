"""Codebooks (van den Oord et al., 2017, arXiv:1711.00937): vectors in place of numbers, and a prior over which."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.nn.attention import KVCache, Transformer


def straight_through(vector: Tensor, replacement: Tensor) -> Tensor:
    """The replacement, whose gradient goes to the vector as if it had not been replaced (Bengio et al., 2013)."""
    return vector + (replacement - vector).detach()


class Codebook(nn.Module):
    """K vectors e_i, each the running mean of the vectors that it is nearest to (paper, appendix A.1).

    N_i <- γ N_i + (1 − γ) n_i, m_i <- γ m_i + (1 − γ) Σ z, e_i = m_i / N_i.  A vector that has become the nearest of
    fewer than `least` in a batch on average is replaced by one of the batch (Dhariwal et al., 2020, arXiv:2005.00341).
    """

    counts: Tensor
    sums: Tensor

    def __init__(self, codes: int, dimensions: int, *, decay: float, least: float = 0.05) -> None:
        super().__init__()
        self.decay, self.least = decay, least
        self.register_buffer("counts", torch.ones(codes))  # N
        self.register_buffer("sums", torch.randn(codes, dimensions))  # m

    @property
    def own_parameters(self) -> int:
        return self.sums.numel()

    @property
    def vectors(self) -> Tensor:
        """e, (K, d)."""
        return self.sums / self.counts[:, None]

    @torch.no_grad()
    def nearest(self, z: Tensor) -> Tensor:
        """(…, d) -> (…) which of the K."""
        e = self.vectors
        return (e.square().sum(1) - 2 * z @ e.T).argmin(-1)

    def forward(self, which: Tensor) -> Tensor:
        """(…) -> (…, d)."""
        return self.vectors[which]

    @torch.no_grad()
    def update(self, z: Tensor, which: Tensor) -> None:
        """One step of the running means: vectors (m, d) and the nearest of each, (m,)."""
        z = z.to(self.sums.dtype)
        chosen = F.one_hot(which, len(self.counts)).to(z.dtype)
        self.counts.lerp_(chosen.sum(0), 1 - self.decay)
        found = (chosen.T @ z).to(z.dtype)  # where autocast is on a product is bfloat16
        self.sums.lerp_(found, 1 - self.decay)
        unused = self.counts < self.least
        found = z[torch.randint(len(z), (len(unused),), device=z.device)]
        self.sums.copy_(torch.where(unused[:, None], found, self.sums))
        self.counts.masked_fill_(unused, 1.0)

    @torch.no_grad()
    def restart(self, z: Tensor) -> None:
        """Begins with vectors drawn from (m, d)."""
        self.sums.copy_(z[torch.randint(len(z), (len(self.counts),), device=z.device)])
        self.counts.fill_(1.0)


def perplexity(which: Tensor, codes: int) -> Tensor:
    """exp H of how often each code occurs: K where all are used alike, 1 where only one is."""
    shares = torch.bincount(which.flatten(), minlength=codes).double() / which.numel()
    return torch.special.entr(shares).sum().exp()


class CodePrior(nn.Module):
    """p(c) = Π_i p(c_i | c_<i) over `places` codes out of K, by a causal transformer."""

    def __init__(
        self, codes: int, places: int, *, width: int, layers: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.codes, self.places = codes, places
        self.start = codes  # a code of its own begins the sequence
        self.embedding = nn.Embedding(codes + 1, width)
        self.position = nn.Parameter(0.02 * torch.randn(places, width))
        self.dropout = nn.Dropout(dropout)
        self.transformer = Transformer(width, layers, heads, dropout=dropout)
        self.head = nn.Linear(width, codes)

    def logits(self, before: Tensor, position: Tensor, cache: KVCache | None = None) -> Tensor:
        """The codes before some places, (n, t), and the places' positions, (t, w) -> (n, t, K)."""
        h = self.dropout(self.embedding(before) + position)
        return self.head(self.transformer(h, cache=cache))

    def log_prob(self, which: Tensor) -> Tensor:
        """(n, places) -> (n, places) nats."""
        before = F.pad(which[:, :-1], (1, 0), value=self.start)
        logits = self.logits(before, self.position)
        return logits.log_softmax(2).gather(2, which[..., None])[..., 0]

    def sample(self, n: int, *, rng: Generator) -> Tensor:
        """(n, places)."""
        cache: KVCache = {}
        drawn = [torch.full((n, 1), self.start, device=rng.device)]
        for place in range(self.places):
            p = self.logits(drawn[-1], self.position[place : place + 1], cache)[:, 0].softmax(1)
            drawn.append(torch.multinomial(p, 1, generator=rng))
        return torch.cat(drawn[1:], 1)

    def uniform(self, n: int, *, rng: Generator) -> Tensor:
        """(n, places), every code as likely as any other: what the prior is worth."""
        return torch.randint(self.codes, (n, self.places), generator=rng, device=rng.device)

    @property
    def draws(self) -> Mapping[str, Callable[..., Tensor]]:
        """Both ways to draw codes, as they are called in measures."""
        return {"learned prior": self.sample, "uniform codes": self.uniform}


def code_measures(which: Tensor, error: Tensor, prior: CodePrior) -> dict[str, Measure]:
    """How many codes are in use, what is lost by them, and what the prior makes of them.

    which: codes of held-out elements, (n, places).  error: of their reconstruction, (n,).
    """
    codes = prior.codes
    used = f"exp of the entropy of codes over held-out elements: how many of {codes} are in use."
    fit = f"Nats per code of held-out elements under the learned prior; uniform codes cost {math.log(codes):.2f}."
    return {
        "codes in use": Measure(perplexity(which, codes)[None], used, "up"),
        "reconstruction error": Measure(
            error, "Mean squared error of a value of a held-out element.", "down"
        ),
        "nats per code": Measure(-prior.log_prob(which).mean(1), fit, "down"),
    }
