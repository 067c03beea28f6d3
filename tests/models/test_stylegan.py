"""StyleGAN: which layers follow which style, what modulation computes, R1, and the mean style in a checkpoint."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import killed_at
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Batch, Space, Splits
from genbench.models.adversarial.stylegan import StyleGAN
from genbench.nn.init import Equalised
from genbench.nn.styles import ModulatedConvolution, SlowLinear, mixing_grid
from genbench.storage.weights import weights_bytes
from genbench.training import checkpoint
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (3, 16, 16), 8, 6)
DATA = Batch(torch.rand(24, *SPACE.shape, generator=Generator().manual_seed(0)))


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def small(**options: Any) -> StyleGAN:
    torch.manual_seed(0)
    return StyleGAN(SPACE, **{"latent": 5, "style": 6, "mapping": 2, "width": 2, "critic_width": 2} | options)


def noisy() -> StyleGAN:
    """With noise that is seen, and a mean style."""
    model = small()
    for layer in model.synthesis.layers:
        layer.strength.fill_(0.5)
    model.mean_style.copy_(model.mapping(model.prior(1000)).mean(0))
    return model.eval()


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def at_equal_noise(model: StyleGAN, z: Tensor) -> Tensor:
    return model.images(model.everywhere(model.mapping(z)), model.synthesis.noise(len(z), rng=rng(3)))


def mixes_by_layers(model: StyleGAN) -> None:
    a, b = model.prior(7, rng=rng(1)), model.prior(7, rng=rng(2))
    for crossover in range(model.layers + 1):
        same = model.mix(a, a, crossover, rng=rng(3))
        assert torch.allclose(same, at_equal_noise(model, a), atol=1e-6), "one code with itself is that code"
    first, last = model.mix(a, b, 0, rng=rng(3)), model.mix(a, b, model.layers, rng=rng(3))
    assert torch.allclose(first, at_equal_noise(model, b), atol=1e-6), "from the first layer on all is b's"
    assert torch.allclose(last, at_equal_noise(model, a), atol=1e-6), "up to the last layer all is a's"
    images = [model.mix(a, b, crossover, rng=rng(3)) for crossover in range(model.layers + 1)]
    for one, more in pairwise(images):
        assert not torch.allclose(one, more, atol=1e-5), "each layer follows its own style"


def test_layers_before_the_crossover_have_the_first_style() -> None:
    model = noisy()
    assert model.layers == 6
    assert model.crossovers == (1, 2, 3, 4, 5)
    mixes_by_layers(model)
    a, b = torch.zeros(4, 6), torch.ones(4, 6)
    assert model.crossed(a, b, 2)[:, :, 0].tolist() == [[0] * 4] * 2 + [[1] * 4] * 4
    each = model.crossed(a, b, torch.tensor([0, 1, 5, 6]))[:, :, 0]
    assert each.sum(0).tolist() == [6, 5, 1, 0], "a crossover for each element"


@pytest.mark.parametrize("fault", ["sources exchanged", "one layer late", "no style but the first"])
def test_a_crossover_at_the_wrong_place(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    crossed = StyleGAN.crossed
    wrong = {
        "sources exchanged": lambda self, a, b, crossover: crossed(self, b, a, crossover),
        "one layer late": lambda self, a, b, crossover: crossed(self, a, b, crossover + 1),
        "no style but the first": lambda self, a, b, crossover: self.everywhere(a if crossover else b),
    }
    monkeypatch.setattr(StyleGAN, "crossed", wrong[fault])
    with pytest.raises(AssertionError):
        mixes_by_layers(noisy())


def share_of_two_styles(model: StyleGAN, n: int = 400) -> float:
    """Of generated images of training, those whose layers do not all have one style; the crossovers are noted too."""
    seen: list[Tensor] = []
    model.synthesis.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.generate(n, torch.device("cpu"))
    (styles,) = seen
    other = (styles != styles[0]).any(2)  # (layers, n)
    assert torch.equal(other, other.cummax(0).values), "from the crossover on"
    return float(other.any(0).float().mean())


def test_mixing_regularisation_draws_two_codes() -> None:
    assert share_of_two_styles(small(mixing=0.0)) == 0
    assert share_of_two_styles(small(mixing=1.0)) == 1
    assert 0.84 < share_of_two_styles(small(mixing=0.9)) < 0.96


def test_mixing_a_style_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    crossed = StyleGAN.crossed
    monkeypatch.setattr(StyleGAN, "crossed", lambda self, a, b, crossover: crossed(self, a, a, crossover))
    with pytest.raises(AssertionError):
        test_mixing_regularisation_draws_two_codes()


@pytest.mark.parametrize("up", [False, True], ids=["same sides", "doubled"])
def test_modulation_scales_weights_and_brings_them_to_unit_length(*, up: bool) -> None:
    """As with weights of its own for each element, written down one by one."""
    torch.manual_seed(0)
    layer = ModulatedConvolution(5, 7, 6, up=up)
    x, w = torch.randn(4, 5, 8, 8), torch.randn(4, 6)
    for each, style, found in zip(x, 1 + layer.style(w), layer(x, w), strict=True):
        if up:
            weight = layer.weight * style[:, None, None, None]
            weight = weight / (weight.square().sum((0, 2, 3), keepdim=True) / 4).sqrt()
            expected = F.conv_transpose2d(each[None], weight, stride=2, padding=1)
        else:
            weight = layer.weight * style[:, None, None]
            weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
            expected = F.conv2d(each[None], weight, padding=1)
        assert torch.allclose(found[None], expected, atol=1e-5)
    wide = ModulatedConvolution(64, 64, 6, up=up)(10 * torch.randn(4, 64, 16, 16), torch.randn(4, 6))
    assert float(wide[:, :, 2:-2, 2:-2].std()) == pytest.approx(10, rel=0.15), "inputs' variance is kept"


def test_the_mapping_learns_a_hundred_times_more_slowly() -> None:
    def change(layer: SlowLinear | Equalised) -> float:
        x, before = torch.randn(8, 20), {}
        before = layer(x)
        optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3)
        with torch.enable_grad():
            layer(x).sum().backward()
        optimizer.step()
        return float((layer(x) - before).abs().mean())

    torch.manual_seed(0)
    slow, usual = SlowLinear(20, 30, 0.01), Equalised(torch.nn.Linear(20, 30))
    x = torch.randn(500, 20)
    assert float(slow(x).std()) == pytest.approx(float(usual(x).std()), rel=0.1), "from the same start"
    assert 0.005 < change(slow) / change(usual) < 0.02


def test_noise_is_of_each_element_and_without_effect_at_the_start() -> None:
    model = small()
    z = model.prior(1, rng=rng()).expand(5, -1)
    start = model.mix(z, z, 3, rng=rng())
    assert torch.equal(start, start[:1].expand_as(start))
    images = noisy().mix(z, z, 3, rng=rng())
    assert not torch.allclose(images[0], images[1], atol=1e-3)
    assert [tuple(each.shape[1:]) for each in model.synthesis.noise(2)] == [
        (1, side, side) for side in (4, 4, 8, 8, 16, 16)
    ]


def test_truncation_leads_to_the_mean_style() -> None:
    model = noisy()
    assert torch.equal(model.truncated(4, 1.0, rng=rng()), model.sample(4, rng=rng()))
    for layer in model.synthesis.layers:
        layer.strength.fill_(0)
    mean = model.images(model.everywhere(model.mean_style[None]), model.synthesis.fixed_noise(1))
    assert torch.allclose(model.truncated(4, 0.0, rng=rng()), mean.expand(4, -1, -1, -1), atol=1e-6)
    seen: list[Tensor] = []
    model.synthesis.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for truncation in model.truncations:
        model.truncated(4, truncation, rng=rng())
    loosest = seen[0] - model.mean_style
    for truncation, styles in zip(model.truncations, seen, strict=True):
        assert torch.allclose(styles - model.mean_style, truncation * loosest, atol=1e-5), "all styles, by ψ"


def test_the_grid_of_mixed_styles_shows_its_sources() -> None:
    model = small().eval()
    pictures = model.show(Splits(DATA, DATA), rng=rng())
    assert [tuple(x.shape[:2]) for x in pictures.values()] == [(7, 7)] * 3 + [(6, 5)]
    a, b = model.mapping(model.prior(3, rng=rng(1))), model.mapping(model.prior(4, rng=rng(2)))
    grid = mixing_grid(model.quiet_images, a, b, torch.arange(model.layers) < 2)
    assert grid.shape == (4, 5, *SPACE.shape)
    alone = [model.images(model.everywhere(w), model.synthesis.fixed_noise(len(w))) for w in (a, b)]
    assert torch.allclose(grid[1:, 0], alone[0], atol=1e-6)
    assert torch.allclose(grid[0, 1:], alone[1], atol=1e-6)
    for i, j in ((0, 0), (2, 1), (1, 3)):
        styles = torch.cat([b[j].expand(2, 1, -1), a[i].expand(4, 1, -1)])
        expected = model.images(styles, model.synthesis.fixed_noise(1))[0]
        assert torch.allclose(grid[i + 1, j + 1], expected, atol=1e-6)


SPLITS, BUDGET = Splits(DATA, DATA), Budget(6, 8, ema=0.9)


def keeps_its_mean_style(tmp_path: Path) -> None:
    """Killed and resumed it is where it was, and it is part of the weights."""
    whole, resumed = small(), small()
    with torch.enable_grad():
        train(whole, SPLITS, BUDGET, Job("test", 3, tmp_path / "w.pt", "f"))
        job = Job("test", 3, tmp_path / "c.pt", "f")
        with killed_at(4):
            train(small(), SPLITS, BUDGET, job)
        saved = checkpoint.load(job.checkpoint, job.fingerprint)
        assert saved is not None
        train(resumed, SPLITS, BUDGET, job)
    assert weights_bytes(resumed, {}) == weights_bytes(whole, {})
    assert torch.equal(resumed.truncated(5, 0.4, rng=rng()), whole.truncated(5, 0.4, rng=rng()))
    assert float(whole.mean_style.norm()) > 0


def test_the_mean_style_survives_a_kill(tmp_path: Path) -> None:
    keeps_its_mean_style(tmp_path)


def test_a_mean_style_that_is_no_buffer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    register = StyleGAN.register_buffer

    def forgetful(self: StyleGAN, name: str, tensor: Tensor | None, **options: Any) -> None:
        register(self, name, tensor, persistent=name != "mean_style", **options)

    monkeypatch.setattr(StyleGAN, "register_buffer", forgetful)
    with pytest.raises(AssertionError):
        keeps_its_mean_style(tmp_path)


def test_what_cannot_be_halved_is_refused() -> None:
    for space in (Space("points", (2,), 0), Space("image", (1, 6, 6), 17)):
        with pytest.raises(ValueError, match="sides can be halved"):
            StyleGAN(space)
