"""What codes and reconstructions are worth: labels of neighbours, ratios to noise, linear guesses to be beaten."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Splits

PENALTIES = (0.1, 1.0, 10.0, 100.0)


class Components(NamedTuple):
    """The first k principal components: mean (D,), basis (D, k), orthonormal columns."""

    mean: Tensor
    basis: Tensor

    def encode(self, x: Tensor) -> Tensor:
        """(n, *shape) -> (n, k)."""
        return (x.flatten(1) - self.mean) @ self.basis

    def reconstruct(self, x: Tensor) -> Tensor:
        """(n, *shape) -> the same, through k numbers and back; the best linear reconstruction of the training data."""
        return (self.encode(x) @ self.basis.T + self.mean).view_as(x)


def principal_components(x: Tensor, k: int) -> Components:
    """Of the covariance of (n, *shape), no more than it has dimensions."""
    rows = x.flatten(1).double()
    vectors = torch.linalg.eigh(torch.cov(rows.T)).eigenvectors
    return Components(rows.mean(0).to(x.dtype), vectors[:, -k:].flip(1).to(x.dtype))


def neighbour_labels(known: Tensor, labels: Tensor, asked: Tensor, *, k: int = 5) -> Tensor:
    """The label that most of the k nearest of the known codes (n, d) have, (n,), for codes (m, d): (m,).

    The lowest label of those with most votes.
    """
    distances = torch.cdist(asked.double(), known.double(), compute_mode="donot_use_mm_for_euclid_dist")
    nearest = distances.topk(min(k, len(known)), largest=False).indices
    return F.one_hot(labels[nearest], int(labels.max()) + 1).sum(1).argmax(1)


def ridge_regression(known: Tensor, targets: Tensor, asked: Tensor) -> Tensor:
    """Known (n, d) with targets (n, k), asked (m, d) -> (m, k); of PENALTIES the best by leave-one-out."""
    from sklearn.linear_model import RidgeCV

    rows = (values.double().cpu().numpy() for values in (known, targets))
    found = RidgeCV(PENALTIES).fit(*rows).predict(asked.double().cpu().numpy())
    return torch.from_numpy(found).to(asked)


def linear_labels(known: Tensor, labels: Tensor, asked: Tensor) -> Tensor:
    """Logistic regression from codes (n, d), standardised, with labels (n,): what it says of codes (m, d), (m,)."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = known.double().mean(0), known.double().std(0) + 1e-6
    rows, places = (((values.double() - mean) / spread).cpu().numpy() for values in (known, asked))
    found = LogisticRegression(C=0.1, max_iter=300).fit(rows, labels.cpu().numpy()).predict(places)
    return torch.from_numpy(found).to(labels)


def classification_errors(
    encode: Callable[[Tensor, int], Tensor], deepest: int, what: str, splits: Splits
) -> dict[str, Measure]:
    """Errors of logistic regression on codes of 0 … `deepest` layers: none where the data have no labels."""
    train, held_out = splits.train.some(), splits.held_out.some()
    if train.label is None or held_out.label is None:
        return {}
    found = {}
    for depth in range(deepest + 1):
        known, asked = (encode(part.x, depth) for part in (train, held_out))
        wrong = linear_labels(known, train.label, asked) != held_out.label
        meaning = f"Share of held-out elements that logistic regression on {depth} {what} mistakes."
        found[f"classification error, depth {depth}"] = Measure(wrong.float(), meaning, "down")
    return found


def psnr(x: Tensor, reference: Tensor) -> Tensor:
    """−10 log₁₀ of the mean squared error, for values in [0, 1]: (n, *shape) -> (n,) dB."""
    return -10 * (x - reference).square().flatten(1).mean(1).log10()


def plane(codes: Tensor, *, side: int = 14, covered: float = 0.98) -> Tensor:
    """(side, side, 2) places over codes (n, 2); upwards the second grows, to the right the first.

    covered: share of the codes, axis by axis, that they span.
    """
    tail = (1 - covered) / 2
    low, high = (codes.quantile(q, 0) for q in (tail, 1 - tail))
    step = torch.linspace(0, 1, side, device=codes.device)[:, None]
    across, up = (low + step * (high - low)).unbind(1)
    return torch.stack(torch.meshgrid(across, up.flip(0), indexing="xy"), 2)
