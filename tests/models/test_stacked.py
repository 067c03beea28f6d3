"""The stacked autoencoder: layer by layer, then the whole, then a mixture on its codes."""

from pathlib import Path

import pytest
import torch
from torch import Generator
from torch.nn.utils import parameters_to_vector

from genbench.core import Batch, Space, Splits
from genbench.models.autoencoders.stacked import Stacked
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 6, 6), 9)


def stripes(n: int, seed: int) -> Batch:
    """Two smooth waves of random phase: images with few degrees of freedom."""
    rng = Generator().manual_seed(seed)
    phase = 6.3 * torch.rand(n, 1, 2, generator=rng)
    places = torch.linspace(0, 3, 6)
    rows, columns = (torch.sin(places + phase[..., i]) for i in range(2))
    return Batch(
        SPACE.to_unit(SPACE.to_levels(0.5 + 0.25 * (rows[:, :, None] + columns[:, None, :])[:, None]))
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Stacked:
    torch.manual_seed(0)
    model = Stacked(SPACE, widths=(32, 16), latent=6, corruption=0.1, components=4, lr=5e-3)
    splits = Splits(stripes(300, 0), stripes(100, 1))
    train(model, splits, Budget(900, 50), Job("test", 0, tmp_path_factory.mktemp("s") / "c.pt", "f"))
    return model.eval()


@torch.no_grad()
def test_fine_tuning_lowers_the_error_of_the_whole_on_held_out_data(trained: Stacked) -> None:
    splits = Splits(stripes(300, 0), stripes(100, 1))
    found = trained.measure(splits, rng=Generator())
    assert list(found)[:3] == [f"pretrained, depth {d}" for d in (1, 2, 3)]
    after = found["fine-tuned, depth 3"].values
    x = splits.held_out.x
    assert torch.allclose(after, (trained.layers.reconstruct(x) - x).square().mean((1, 2, 3)))
    gain = found["gained by fine-tuning"].values
    assert torch.allclose(gain, found["pretrained, depth 3"].values - after)
    assert float(gain.mean()) > 3 * float(gain.std()) / 10
    assert float(after.mean()) < 0.3 * float(x.var(0).mean())


@torch.no_grad()
def test_the_pretrained_weights_are_those_that_the_layers_left(tmp_path: Path) -> None:
    """With next to no steps left for it, the fine-tuning changes next to nothing."""
    torch.manual_seed(0)
    model = Stacked(SPACE, widths=(16,), latent=4, pretraining=0.999, components=2, lr=5e-3)
    splits = Splits(stripes(100, 0), stripes(50, 1))
    with torch.enable_grad():
        train(model, splits, Budget(300, 50), Job("test", 0, tmp_path / "c.pt", "f"))
    assert torch.equal(parameters_to_vector(model.parameters()), model.pretrained.parameters_then)
    shown = model.eval().show(splits, rng=Generator())
    before, after = shown.values()
    assert before.shape == (8, 3, *SPACE.shape)
    assert torch.equal(before, after)
    assert torch.equal(before[:, 0], splits.held_out.x[:8])
    assert not torch.equal(before[:, 1], before[:, 2])


def test_a_layer_is_trained_on_codes_that_it_cannot_change() -> None:
    torch.manual_seed(0)
    model = Stacked(SPACE, widths=(8, 7), latent=3)
    for layer, phase in enumerate(model.phases()[:3]):
        model.zero_grad(set_to_none=True)
        phase.objectives[0].loss(stripes(20, 0)).backward()
        moved = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
        assert moved == {
            f"layers.{side}.{layer}.{part}"
            for side in ("encoders", "decoders")
            for part in ("weight", "bias")
        }


@torch.no_grad()
def test_codes_come_from_the_mixture_of_the_training_codes(trained: Stacked) -> None:
    codes = trained.layers.encode(stripes(300, 0).x)
    drawn = trained.prior(50_000, rng=Generator().manual_seed(0))
    assert float(trained.mixture.weights.sum()) == pytest.approx(1, abs=1e-5)
    spread = codes.std(0)
    assert bool(((drawn.mean(0) - codes.mean(0)).abs() < 0.05 * spread).all())
    assert bool(((drawn.std(0) / spread - 1).abs() < 0.1).all())


@torch.no_grad()
def test_the_noise_hides_the_share_it_is_told_to(trained: Stacked) -> None:
    hidden = (trained.corrupted(torch.ones(200, 200)) == 0).float().mean()
    assert float(hidden) == pytest.approx(0.1, abs=0.01)


@torch.no_grad()
def test_the_layers_are_held_against_the_pixels_on_a_task(trained: Stacked) -> None:
    """The label: whether the first wave's phase lies in the first half of its period, which the codes still tell."""

    def labelled(n: int, seed: int) -> Batch:
        batch = stripes(n, seed)
        return batch._replace(label=(batch.x[:, 0, 0, 0] > batch.x[:, 0, -1, 0]).long())

    found = trained.measure(Splits(labelled(300, 0), labelled(100, 1)), rng=Generator())
    titles = [title for title in found if title.startswith("classification")]
    assert titles == [f"classification error, depth {depth}" for depth in range(4)]
    assert all(float(found[title].values.mean()) < 0.15 for title in titles[:3])
    assert not any(
        title.startswith("classification")
        for title in trained.measure(Splits(stripes(50, 0), stripes(50, 1)), rng=Generator())
    )
