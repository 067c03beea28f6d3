"""Readers, sums, resizing and tiling against torchvision, which is an implementation of its own of each of them."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_data_sources import batches, photographs, raw, save, small_sets, unpack  # noqa: F401
from torchvision import datasets
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.utils import make_grid

from genbench.data.parts import idx, pictures
from genbench.data.sources import celeba, cifar10, fashion_mnist, folder, kmnist, mnist
from genbench.drawing.tiles import tile

IDX = {
    "MNIST": (mnist, idx.MNIST),
    "FashionMNIST": (fashion_mnist, fashion_mnist.PUBLISHED),
    "KMNIST": (kmnist, kmnist.PUBLISHED),
}


@pytest.mark.usefixtures("small_sets")
@pytest.mark.parametrize("name", IDX)
def test_idx_files_hold_what_torchvision_reads(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    root = tmp_path / "raw"
    unpack(root / name / "raw", request.getfixturevalue("raw"))
    own = IDX[name][0].load(root=str(root))
    for train, x, y in ((True, own.train.x, own.train.y), (False, own.held_out.x, own.held_out.y)):
        theirs = getattr(datasets, name)(root, train=train)
        assert np.array_equal(x[:, 0], theirs.data.numpy())
        assert np.array_equal(y, theirs.targets.numpy())


@pytest.mark.parametrize("name", IDX)
def test_idx_sums_and_classes_are_those_that_torchvision_publishes(name: str) -> None:
    theirs = getattr(datasets, name)
    published = IDX[name][1]
    assert {f"{file}.gz": sum_ for file, sum_ in published.packed.items()} == dict(theirs.resources)
    assert set(theirs.mirrors) <= set(published.mirrors)
    names = [each.partition(" - ")[0].lower() for each in theirs.classes]
    assert [each.lower() for each in published.classes] == names


def test_the_lists_of_celeba_have_the_sums_that_torchvision_publishes() -> None:
    theirs = {name: sum_ for _, sum_, name in datasets.CelebA.file_list}
    assert celeba.PUBLISHED.items() <= theirs.items()


def test_cifar10_in_binary_is_what_torchvision_reads_of_pickles(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, bytes] = request.getfixturevalue("batches")
    pickled = tmp_path / "cifar-10-batches-py"
    pickled.mkdir()
    for name, content in files.items():
        records = np.frombuffer(content, np.uint8).reshape(-1, 3073)
        batch = {"data": records[:, 1:], "labels": records[:, 0].tolist()}
        (pickled / name.removesuffix(".bin")).write_bytes(pickle.dumps(batch))
    (pickled / "batches.meta").write_bytes(pickle.dumps({"label_names": list(cifar10.CLASSES)}))
    names = [name.removesuffix(".bin") for name in files]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [(name, None) for name in names[:-1]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [(names[-1], None)])
    monkeypatch.setattr(datasets.CIFAR10, "meta", datasets.CIFAR10.meta | {"md5": None})
    own = cifar10.load(root=str(unpack(tmp_path / "binary", files)))
    for train, x, y in ((True, own.train.x, own.train.y), (False, own.held_out.x, own.held_out.y)):
        theirs = datasets.CIFAR10(tmp_path, train=train)
        assert np.array_equal(x.transpose(0, 2, 3, 1), theirs.data)
        assert y.tolist() == theirs.targets


def test_a_folder_of_images_is_what_torchvisions_image_folder_reads(tmp_path: Path) -> None:
    save(tmp_path / "b", photographs(5, seed=1))
    save(tmp_path / "a", photographs(7))
    save(tmp_path / "c", photographs(3, seed=2), suffix=".jpg")
    found = pictures.read(tmp_path, lambda image: image)
    theirs = datasets.ImageFolder(tmp_path)
    assert list(found.names) == [Path(path).relative_to(tmp_path).as_posix() for path, _ in theirs.samples]
    for image, (their_image, _) in zip(found.images, theirs, strict=True):
        assert np.array_equal(image.transpose(1, 2, 0), np.asarray(their_image))
    class_names, labels = folder._classes(tmp_path, found.names)
    assert (class_names, labels.tolist()) == (theirs.classes, theirs.targets)


@pytest.mark.parametrize("size", [8, 16, 40])
def test_pictures_are_cropped_and_resized_as_torchvision_does(size: int) -> None:
    # (20, 24, 3), within bounds: Pillow rounds and clips between rows and columns, PyTorch at the end.
    image = photographs(1, seed=3)[0] // 2 + 64
    fitted = pictures.fitting(size)(np.ascontiguousarray(image.transpose(2, 0, 1)))
    options = {"interpolation": InterpolationMode.BICUBIC, "antialias": True}
    square = F.center_crop(Image.fromarray(image), [20, 20])
    assert np.array_equal(fitted.transpose(1, 2, 0), np.asarray(F.resize(square, [size, size], **options)))
    of_tensor = F.resize(F.pil_to_tensor(square), [size, size], **options).numpy()  # not by Pillow
    assert np.abs(fitted.astype(int) - of_tensor).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_are_laid_out_as_torchvisions_grid(channels: int) -> None:
    x = np.random.default_rng(4).integers(0, 256, (7, channels, 5, 6), dtype=np.uint8)
    theirs = make_grid(torch.from_numpy(x), nrow=3, padding=4, pad_value=255)
    assert np.array_equal(tile(x, 256, columns=3, side=6), theirs.numpy().transpose(1, 2, 0))
