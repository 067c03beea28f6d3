"""Classification accuracy score (Ravuri & Vinyals, 2019), arXiv:1905.10887: train on fakes, test on reals."""

from collections.abc import Callable

import numpy as np

from genbench.scoring.arrays import Array, Floats, Integers, floats, numbers, same_width
from genbench.scoring.estimates import Estimate, clopper_pearson

Fit = Callable[[Floats, Integers, int], Callable[[Floats], Integers]]


def logistic_regression(features: Floats, labels: Integers, seed: int) -> Callable[[Floats], Integers]:
    """Multinomial logistic regression on standardised features: fast, and the same for every generator."""
    if len(np.unique(labels)) == 1:
        return lambda x: np.full(len(x), labels[0])
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed))
    model.fit(features, labels)
    return lambda x: np.asarray(model.predict(x), dtype=np.int64)


def classification_accuracy_score(
    fake: Array,
    fake_labels: Array,
    real: Array,
    real_labels: Array,
    *,
    fit: Fit = logistic_regression,
    seed: int = 0,
) -> Estimate:
    """Top-1 accuracy on real test data of a classifier trained on generated data alone.

    fake (m, d) with the labels it was generated for (m,), as many as the training set has; real (n, d)
    held-out test data with labels (n,) → share in [0, 1], higher is better; compare with the same classifier
    trained on real data. fit(features, labels, seed) returns a function from features to predicted labels.
    `n` counts the generated samples; the interval is Clopper–Pearson over the n test samples, of the
    accuracy of this one classifier: another training, on other generated samples, is not in it.  Raises ValueError for
    bad input.
    """
    x, y = floats(fake, "fake"), floats(real, "real")
    same_width(("fake", x), ("real", y))
    a, b = _labels(fake_labels, "fake_labels", len(x)), _labels(real_labels, "real_labels", len(y))
    predicted = np.asarray(fit(x, a, seed)(y))
    return clopper_pearson(int(np.count_nonzero(predicted == b)), len(y))._replace(n=len(x))


def _labels(values: Array, name: str, n: int) -> Integers:
    labels = numbers(values, name, ndim=1)
    if len(labels) != n:
        raise ValueError(f"{name}: {len(labels)} values, expected {n}, one for each row")
    if (labels != labels.astype(np.int64)).any():
        raise ValueError(f"{name}: fractions, expected integers")
    return labels.astype(np.int64)
