"""Autoencoders: what a code of k numbers keeps, against k principal components; and what is read off codes."""

from pathlib import Path

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from torch import Generator, Tensor

from genbench.capabilities import Scatter
from genbench.core import Batch, Space, Splits
from genbench.models.autoencoders.autoencoder import Autoencoder
from genbench.nn.probes import neighbour_labels, plane, principal_components
from genbench.training.loop import Budget, Job, train

SPACE = Space("image", (1, 6, 6), 9, 2)


def waves(n: int, seed: int) -> Batch:
    """Waves of two random phases, a surface that bends through four dimensions; the label is half of the first."""
    rng = Generator().manual_seed(seed)
    phase = 4 * torch.rand(n, 2, 1, generator=rng)
    rows, columns = torch.sin(torch.linspace(0, 3, 6) + phase).unbind(1)
    x = 0.5 + 0.25 * (rows[:, :, None] + columns[:, None, :])[:, None]
    return Batch(SPACE.to_unit(SPACE.to_levels(x)), (phase[:, 0, 0] > 2).long())


SPLITS = Splits(waves(300, 0), waves(100, 1))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Autoencoder]:
    folder, found = tmp_path_factory.mktemp("a"), {}
    for latent in (1, 2):
        torch.manual_seed(0)
        model = Autoencoder(SPACE, latent=latent, widths=(48,), components=4, lr=5e-3)
        train(model, SPLITS, Budget(400, 50), Job("test", 0, folder / f"{latent}.pt", "f"))
        found[latent] = model.eval()
    return found


def test_the_error_is_below_that_of_as_many_components_and_falls_with_k(
    trained: dict[int, Autoencoder],
) -> None:
    means = {}
    for latent, model in trained.items():
        found = model.measure(SPLITS, rng=Generator())
        gain = found["below PCA"].values
        pca, own = found["reconstruction error of PCA"].values, found["reconstruction error"].values
        assert torch.allclose(gain, pca - own)
        means[latent] = float(own.mean())
        assert float(gain.mean()) > 2 * float(gain.std()) / 10
    assert means[2] < 0.5 * means[1]


def test_neighbours_know_the_class_by_the_codes(trained: dict[int, Autoencoder]) -> None:
    found = trained[2].measure(SPLITS, rng=Generator())["5-NN accuracy of codes"]
    assert float(found.values.mean()) > 0.9


@torch.no_grad()
def test_the_plane_of_codes_is_laid_out_as_a_plot(trained: dict[int, Autoencoder]) -> None:
    codes = torch.rand(1000, 2, generator=Generator().manual_seed(0))
    places = plane(codes)
    assert places.shape[2] == 2
    assert bool((places[:, 1:, 0] > places[:, :-1, 0]).all())  # the first code grows to the right
    assert bool((places[1:, :, 1] < places[:-1, :, 1]).all())  # and the second upwards
    shown = trained[2].show(SPLITS, rng=Generator())
    (scatter,) = (each for each in shown.values() if isinstance(each, Scatter))
    assert torch.equal(scatter.points, trained[2].encode(SPLITS.held_out.some().x))
    assert scatter.label is SPLITS.held_out.label
    pictures = [each for each in shown.values() if isinstance(each, Tensor)]
    assert [picture.shape[:2] for picture in pictures] == [(3, 12), (14, 14), (14, 14)]
    assert len(trained[1].show(SPLITS, rng=Generator())) == 1


def test_a_convolutional_one_is_built_for_images_alone(tmp_path: Path) -> None:
    space = Space("image", (3, 16, 8), 9)
    model = Autoencoder(space, network="convolutions", latent=3, width=2)
    x = torch.rand(5, *space.shape)
    assert model.encode(x).shape == (5, 3)
    assert model.decode(model.encode(x)).shape == x.shape
    with pytest.raises(ValueError, match="convolutions are for images"):
        Autoencoder(Space("points", (2,), 0), network="convolutions")


def test_components_are_those_of_scikit_learn() -> None:
    x = torch.randn(60, 1, 2, 3, generator=Generator().manual_seed(0)).double()
    own, theirs = principal_components(x, 2), PCA(2).fit(x.flatten(1).numpy())
    expected = theirs.inverse_transform(theirs.transform(x.flatten(1).numpy()))
    assert torch.allclose(own.reconstruct(x).flatten(1), torch.from_numpy(expected))
    assert torch.allclose(own.encode(x).var(0), torch.from_numpy(theirs.explained_variance_))


def test_labels_of_neighbours_are_those_of_scikit_learn() -> None:
    rng = Generator().manual_seed(0)
    known, asked = torch.randn(200, 3, generator=rng), torch.randn(50, 3, generator=rng)
    labels = torch.randint(4, (200,), generator=rng)
    theirs = KNeighborsClassifier(5).fit(known.numpy(), labels.numpy()).predict(asked.numpy())
    assert torch.equal(neighbour_labels(known, labels, asked), torch.from_numpy(theirs))
