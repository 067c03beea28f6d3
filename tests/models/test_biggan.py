"""BigGAN: the law of truncated codes and the statistics that fit it, labels in both players, attention, starts."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Generator, Tensor, nn

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial import biggan
from genbench.models.adversarial.biggan import BigGAN
from genbench.nn.adversarial_losses import HINGE
from genbench.nn.class_conditional import (
    ConditionalBatchNorm,
    SelfAttention,
    convolution,
    normed,
    off_diagonal,
    truncated_normal,
)

SPACE = Space("image", (3, 16, 16), 8, 6)
BATCH = Batch(torch.rand(12, *SPACE.shape, generator=Generator().manual_seed(0)), torch.arange(12) % 6)


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def small(**options: Any) -> BigGAN:
    torch.manual_seed(0)
    return BigGAN(SPACE, **{"latent": 6, "embedding": 4, "width": 4, "critic_width": 4} | options)


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


Truncated = Callable[..., Tensor]


def scaled(n: int, k: int, threshold: float, *, rng: Any = None, device: Any = None) -> Tensor:
    """The planted fault: smaller codes, none drawn again."""
    return min(threshold, 3.0) / 3 * torch.randn(n, k, generator=rng, device=device)


def clipped(n: int, k: int, threshold: float, *, rng: Any = None, device: Any = None) -> Tensor:
    return torch.randn(n, k, generator=rng, device=device).clamp(-threshold, threshold)


def is_a_normal_within(draw: Truncated, threshold: float) -> None:
    """No mass beyond the threshold, and inside it the normal's own shape."""
    z = draw(2000, 10, threshold, rng=rng()).flatten().double().numpy()
    assert abs(z).max() <= threshold
    law = stats.truncnorm(-threshold, threshold)
    assert stats.kstest(z, law.cdf).pvalue > 0.001
    assert stats.kurtosis(z) == pytest.approx(float(law.stats("k")), abs=0.08)


@pytest.mark.parametrize("threshold", [2.0, 1.0, 0.5])
def test_truncation_draws_again_what_lies_beyond(threshold: float) -> None:
    is_a_normal_within(truncated_normal, threshold)


@pytest.mark.parametrize("fault", [scaled, clipped])
@pytest.mark.parametrize("threshold", [2.0, 0.5])
def test_codes_that_are_scaled_or_clipped(fault: Truncated, threshold: float) -> None:
    with pytest.raises(AssertionError):
        is_a_normal_within(fault, threshold)


def samples_by_truncated_codes(model: BigGAN) -> None:
    """What the generator is given at each threshold, and without any."""
    seen: list[Tensor] = []
    model.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for threshold in model.truncations:
        model.truncated(3000, threshold, rng=rng())
        is_a_normal_within(lambda *_, rng: seen[-1], threshold)
    model.sample(3000, rng=rng())
    assert stats.kstest(seen[-1].flatten().numpy(), stats.norm.cdf).pvalue > 0.001


def test_images_of_a_threshold_come_from_truncated_codes() -> None:
    samples_by_truncated_codes(small(width=1).eval())


@pytest.mark.parametrize("fault", [scaled, clipped])
def test_a_model_that_scales_or_clips_its_codes(monkeypatch: pytest.MonkeyPatch, fault: Truncated) -> None:
    monkeypatch.setattr(biggan, "truncated_normal", fault)
    with pytest.raises(AssertionError):
        samples_by_truncated_codes(small(width=1).eval())


def statistics_fit_the_codes(model: BigGAN) -> None:
    """Those of the first norm are the moments of what comes before it, for every law of z, by other draws."""
    norm = model.generator.blocks[0].norms[0]
    for law, threshold in [*enumerate(model.truncations), (None, math.inf)]:
        z = truncated_normal(3000, 2, threshold, rng=rng(5))
        h = model.generator.start(z)  # (n, c, h, w)
        kept = (
            norm.standing[law]
            if law is not None
            else torch.stack([norm.norm.running_mean, norm.norm.running_var])
        )
        expected = torch.stack([h.mean((0, 2, 3)), h.var((0, 2, 3))])
        assert torch.allclose(kept, expected, rtol=0.1, atol=0.05 * float(h.std()))


def with_statistics() -> BigGAN:
    model = small()
    (fit,) = (phase.fit for phase in model.phases() if phase.fit is not None)
    fit(Splits(BATCH, BATCH))
    return model.eval()


def test_the_statistics_of_batch_norm_fit_each_threshold() -> None:
    model = with_statistics()
    statistics_fit_the_codes(model)
    assert model.generator.norm.norm.momentum == 0.1
    for threshold in model.truncations:
        seen = model.truncated(2, threshold, BATCH.label[:2], rng=rng())
        law = model.truncations.index(threshold)
        other = model.images(
            truncated_normal(2, 6, threshold, rng=rng()), model.one_hot(BATCH.label[:2]), law
        )
        assert torch.equal(seen, other)


def test_statistics_of_another_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        biggan, "truncated_normal", lambda n, k, _, **place: truncated_normal(n, k, math.inf, **place)
    )
    with pytest.raises(AssertionError):
        statistics_fit_the_codes(with_statistics())


def test_the_logit_depends_on_the_label_by_a_projection() -> None:
    model = small().eval()
    x, y, other = (SPACE.signed(BATCH.x), *(model.one_hot((BATCH.label + i) % 6) for i in (0, 1)))
    critic = model.discriminator
    difference = critic(x, y) - critic(x, other)
    assert float(difference.abs().min()) > 0
    features = critic.body(x).sum((2, 3))
    expected = ((critic.embedding(y) - critic.embedding(other)) * features).sum(1)
    assert torch.allclose(difference, expected, atol=1e-4)


def depends_on_the_label(model: BigGAN) -> None:
    x = SPACE.signed(BATCH.x)
    logits = [model.discriminator(x, model.one_hot((BATCH.label + i) % 6)) for i in (0, 1)]
    assert not torch.allclose(*logits, atol=1e-4)


def test_a_discriminator_that_forgets_the_projection() -> None:
    model = small().eval()
    depends_on_the_label(model)
    model.discriminator.embedding.register_forward_hook(lambda *found: torch.zeros_like(found[2]))
    with pytest.raises(AssertionError):
        depends_on_the_label(model)


def test_attention_starts_as_the_identity() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(8), torch.randn(3, 8, 8, 8)
    assert torch.equal(attention(x), x)
    with torch.enable_grad():
        attention(x).square().sum().backward()
    assert float(attention.gamma.grad) != 0
    attention.gamma.fill_(1)
    near, far = attention(x), x.clone()
    far[:, :, 7, 7] = 9  # one corner is seen from the other
    assert not torch.allclose(attention(far)[:, :, 0, 0], near[:, :, 0, 0], atol=1e-3)
    for model in (small().generator, small().discriminator):
        assert [float(part.gamma) for part in model.modules() if isinstance(part, SelfAttention)] == [0]


def test_layers_start_orthogonal_and_keep_spectral_norm_one() -> None:
    model = small()
    matrices = [p.flatten(1) for p in model.parameters() if p.ndim > 1]
    assert len(matrices) > 30
    for w in matrices:
        product = w @ w.T if len(w) <= w.shape[1] else w.T @ w
        assert torch.allclose(product, torch.eye(len(product)), atol=1e-5)
    layer = normed(nn.Linear(7, 5))
    layer.parametrizations.weight.original.normal_(0, 3)
    for _ in range(100):
        layer(torch.zeros(1, 7))  # a step of the power iteration each
    assert float(torch.linalg.matrix_norm(layer.eval().weight, 2)) == pytest.approx(1, abs=1e-3)


def test_the_regulariser_leaves_lengths_free() -> None:
    layer = convolution(3, 4, 1, bias=False)
    weight = layer.parametrizations.weight.original
    weight[:] = torch.tensor([[2.0, 0, 0], [0, 3, 0], [0, 0, 0], [0, 0, 5]])[:, :, None, None]
    assert float(off_diagonal(layer)) == 0
    weight[2, 0] = 4  # WᵀW: columns (2, 0, 4, 0), (0, 3, 0, 0), (0, 0, 0, 5)
    assert float(off_diagonal(layer)) == 0
    weight[2, 1] = 1  # 4 · 1 off the diagonal, twice
    assert float(off_diagonal(layer)) == 32


def test_batch_norm_takes_gain_and_bias_from_the_condition() -> None:
    torch.manual_seed(0)
    norm, x = ConditionalBatchNorm(5, 3, 0), 4 + 2 * torch.randn(50, 5, 4, 4)
    y = torch.eye(3)[torch.arange(50) % 3]
    plain = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    weight = [layer.weight.T[torch.arange(50) % 3][:, :, None, None] for layer in (norm.gain, norm.bias)]
    assert torch.allclose(norm(x, y), (1 + weight[0]) * plain + weight[1], atol=1e-2)


def test_every_part_of_the_code_reaches_the_image_by_its_own_way() -> None:
    model = small().eval()
    z, y = torch.randn(2, 6, generator=rng()), model.one_hot(torch.tensor([1, 2]))
    image, seen = model.images(z, y), []
    for block in model.generator.blocks:
        block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    for part in range(3):
        changed = z.clone()
        changed[:, 2 * part : 2 * part + 2] += 1
        assert not torch.allclose(model.images(changed, y), image, atol=1e-5)
        conditions, seen[:] = seen[:], []
        assert [torch.equal(c[:, :2], z[:, 2 * k : 2 * k + 2]) for k, c in enumerate(conditions, 1)] == [
            part != 1,
            part != 2,
        ]
    assert not torch.allclose(model.images(z, y.flip(0)), image, atol=1e-5)


def test_hinge_losses_end_at_the_margin() -> None:
    score = torch.tensor([-2.0, -1, 0, 1, 2])
    assert HINGE.real(score).tolist() == [3, 2, 1, 0, 0]
    assert HINGE.fake(score).tolist() == [0, 0, 1, 2, 3]


def test_each_class_is_shown_at_each_threshold() -> None:
    ((_, x),) = with_statistics().show(Splits(BATCH, BATCH), rng=rng()).items()
    assert x.shape == (6, 16, *SPACE.shape)


def test_data_and_requests_without_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="classes=0"):
        BigGAN(Space("image", (3, 16, 16), 8))
    with pytest.raises(ValueError, match="latent: got 7"):
        small(latent=7)
    model = small()
    for labels in (torch.tensor([1]), torch.tensor([3, 6]), torch.tensor([-1, 0])):
        with pytest.raises(ValueError, match="expected 2 labels from 0 to 5"):
            model.sample(2, labels, rng=rng())
    with pytest.raises(ValueError, match="a label for each element"):
        model.generator_loss(Batch(BATCH.x))
