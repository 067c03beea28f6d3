"""Sources that read files: every layout gives the same images, and every mistake is one line."""

import gzip
import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, SMALL, Command
from PIL import Image

from genbench.data import prepared as data
from genbench.data.parts import idx
from genbench.data.source import Source
from genbench.data.sources import cifar10, fashion_mnist, folder, kmnist, mnist, mnist_binary
from genbench.params.schema import Dataset, load
from genbench.storage.files import InputError

COUNTS, SIDE = (60, 30), 4
IDX_SOURCES = {"mnist": mnist, "fashion_mnist": fashion_mnist, "kmnist": kmnist}


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture(scope="module")
def raw() -> dict[str, bytes]:
    """The content of four small IDX files: random images, ten balanced classes."""
    rng = np.random.default_rng(0)
    files = {}
    for part, count in zip(("train", "t10k"), COUNTS, strict=True):
        images = rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
        images[:, 0], images[:, -1] = 0, 255
        files[f"{part}-images-idx3-ubyte"] = idx_bytes(images)
        files[f"{part}-labels-idx1-ubyte"] = idx_bytes(rng.permutation(count).astype(np.uint8) % 10)
    return files


@pytest.fixture
def small_sets(raw: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The IDX sources with small files for the published ones; a folder that stands for their address."""
    site = tmp_path / "site"
    pack(site, raw)
    change = {
        "mirrors": ((tmp_path / "gone").as_uri() + "/", site.as_uri() + "/"),
        "packed": {name: md5((site / f"{name}.gz").read_bytes()) for name in raw},
        "unpacked": {name: md5(content) for name, content in raw.items()},
        "counts": COUNTS,
        "side": SIDE,
    }
    monkeypatch.setattr(idx, "MNIST", idx.MNIST._replace(**change))
    monkeypatch.setattr(fashion_mnist, "PUBLISHED", fashion_mnist.PUBLISHED._replace(**change))
    monkeypatch.setattr(kmnist, "PUBLISHED", kmnist.PUBLISHED._replace(**change | {"unpacked": {}}))
    return site


def pack(place: Path, raw: dict[str, bytes], level: int = 9) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for name, content in raw.items():
        (place / f"{name}.gz").write_bytes(gzip.compress(content, level, mtime=0))
    return place


def unpack(place: Path, raw: dict[str, bytes]) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for name, content in raw.items():
        (place / name).write_bytes(content)
    return place


def refused(load: Callable[..., object], **options: Any) -> str:
    with pytest.raises(InputError) as error:
        load(**options)
    assert "\n" not in str(error.value)
    return str(error.value)


def prepared(path: Path, **entry: Any) -> data.Prepared:
    path.write_bytes(data.prepare("set", Dataset(**entry)))
    return data.load(path)


@pytest.mark.parametrize(
    "source", ["mnist", "mnist_binary", "fashion_mnist", "kmnist", "cifar10", "celeba", "folder"]
)
def test_every_root_is_a_folder_and_may_lie_in_the_home_folder(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(root: str) -> str:
        return refused(data.prepare, name="set", entry=Dataset(source=source, root=root, **size))

    size = {"size": 8} if source == "folder" else {}
    monkeypatch.setattr(idx, "download", no_network)
    monkeypatch.setattr(cifar10, "download", no_network)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "root: ~nobody-of-this-name/x: no such home folder" in said("~nobody-of-this-name/x")
    (tmp_path / "mine").write_text("")
    assert "root: ~/mine is no folder; expected the folder of the files" in said("~/mine")
    (tmp_path / "mine").unlink()
    assert (
        "no such folder" in said("~/mine") if source == "folder" else str(tmp_path / "mine") in said("~/mine")
    )


def no_network(*_: object, **__: object) -> None:
    raise InputError("no network")


# IDX


@pytest.mark.parametrize("name", IDX_SOURCES)
def test_files_in_any_layout_give_the_same_source(
    name: str, raw: dict[str, bytes], small_sets: Path, tmp_path: Path
) -> None:
    load = IDX_SOURCES[name].load
    torchvision = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}[name]
    pack(tmp_path / "flat", raw)
    unpack(tmp_path / "unpacked", raw)
    pack(tmp_path / "below" / torchvision / "raw", raw)
    unpack(tmp_path / "both" / torchvision / "raw", raw)
    pack(tmp_path / "both" / torchvision / "raw", raw)
    expected = np.frombuffer(raw["train-images-idx3-ubyte"], np.uint8, offset=16).reshape(-1, 1, SIDE, SIDE)
    labels = np.frombuffer(raw["t10k-labels-idx1-ubyte"], np.uint8, offset=8)
    for place in ("flat", "unpacked", "below", "both"):
        source = load(root=str(tmp_path / place))
        assert np.array_equal(source.train.x, expected)
        assert np.array_equal(source.held_out.y, labels)
        assert len(source.held_out.x) == COUNTS[1]
        assert (source.levels, source.classes, len(source.about["class_names"])) == (256, 10, 10)
        unchecked = name == "kmnist" and place == "unpacked"
        assert source.about["checked"].startswith("format" if unchecked else "MD5")


@pytest.mark.parametrize("form", ["dotted", "dotted and packed", "a folder for each file"])
def test_the_files_are_found_under_their_other_names(
    form: str, raw: dict[str, bytes], small_sets: Path, tmp_path: Path
) -> None:
    for name, content in raw.items():
        dotted = name.replace("-idx", ".idx")
        at, held = {
            "dotted": (dotted, content),
            "dotted and packed": (f"{dotted}.gz", gzip.compress(content)),
            "a folder for each file": (f"{name}/{name}", content),
        }[form]
        (tmp_path / at).parent.mkdir(exist_ok=True)
        (tmp_path / at).write_bytes(held)
    source = mnist.load(root=str(tmp_path))
    assert source.about["checked"].startswith("MD5")
    assert np.array_equal(source.train.x, mnist.load(root=str(small_sets)).train.x)


def test_the_content_counts_where_its_sum_is_known(
    raw: dict[str, bytes], small_sets: Path, tmp_path: Path
) -> None:
    again = str(pack(tmp_path / "again", raw, level=1))  # other packed bytes, same content
    assert len(mnist.load(root=again).train.x) == COUNTS[0]
    assert "train-images-idx3-ubyte.gz: MD5" in refused(kmnist.load, root=again)


def test_the_same_images_from_another_place_give_the_same_bytes(
    raw: dict[str, bytes], small_sets: Path, tmp_path: Path
) -> None:
    places = (pack(tmp_path / "a", raw), unpack(tmp_path / "b", raw))
    first, second = (data.prepare("m", Dataset(source="mnist", root=str(place))) for place in places)
    assert first == second


def test_missing_files_are_downloaded_once_and_whole(
    raw: dict[str, bytes], small_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "new/mnist"
    source = mnist.load(root=str(root))  # the first address has nothing
    assert sorted(path.name for path in root.iterdir()) == sorted(f"{name}.gz" for name in raw)
    monkeypatch.setattr(idx, "MNIST", idx.MNIST._replace(mirrors=()))
    assert np.array_equal(mnist.load(root=str(root)).train.x, source.train.x)


@pytest.fixture
def server(small_sets: Path) -> Iterator[str]:
    """The small files over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(small_sets))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


def test_a_download_with_the_wrong_sum_leaves_nothing(
    server: str, small_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idx, "MNIST", idx.MNIST._replace(mirrors=(server,)))
    root = tmp_path / "new"
    (small_sets / "train-images-idx3-ubyte.gz").write_bytes(b"an error page")
    said = refused(mnist.load, root=str(root))
    for part in (str(root), f"{server}train-images-idx3-ubyte.gz: md5", "13 bytes; expected"):
        assert part in said
    assert not root.exists()
    (small_sets / "train-images-idx3-ubyte.gz").unlink()
    assert "File not found" in refused(mnist.load, root=str(root))


LABELS, IMAGES = "train-labels-idx1-ubyte", "train-images-idx3-ubyte"


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        (IMAGES, lambda content: b"", "magic number missing; expected 00000803"),
        (
            IMAGES,
            lambda content: b"\x00\x00\x08\x01" + content[4:],
            "magic number 00000801; expected 00000803",
        ),
        (IMAGES, lambda content: b"PNG?" + content, "magic number 504e473f; expected 00000803"),
        (IMAGES, lambda content: content[:10], "cut off after 10 bytes; expected a header of 16"),
        (IMAGES, lambda content: content[:-1], "959 bytes after the header; expected 60×4×4"),
        (IMAGES, lambda content: content + b"x", "961 bytes after the header; expected 60×4×4"),
        (IMAGES, lambda _: idx_bytes(np.zeros((0, 4, 4), np.uint8)), "holds nothing (shape 0×4×4)"),
        (
            IMAGES,
            lambda _: idx_bytes(np.zeros((59, 4, 4), np.uint8)),
            f"59 images, but 60 labels in {LABELS}",
        ),
        (IMAGES, lambda _: idx_bytes(np.zeros((60, 5, 4), np.uint8)), "shape 60×5×4; expected 60×4×4"),
        (LABELS, lambda _: idx_bytes(np.full(60, 10, np.uint8)), "label 10; expected 0 to 9"),
        (LABELS, lambda _: idx_bytes(np.zeros(60, np.uint8)), "the published file"),
    ],
)
def test_a_wrong_idx_file_is_named(
    raw: dict[str, bytes],
    small_sets: Path,
    tmp_path: Path,
    name: str,
    damage: Callable[[bytes], bytes],
    said: str,
) -> None:
    root = unpack(tmp_path / "plain", raw | {name: damage(raw[name])})
    message = refused(mnist.load, root=str(root))
    assert str(root / name) in message
    assert said in message
    root = pack(tmp_path / "packed", raw | {name: damage(raw[name])})
    assert said in refused(mnist.load, root=str(root))


def test_a_damaged_gz_and_other_counts_are_named(
    raw: dict[str, bytes], small_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pack(tmp_path / "packed", raw)
    path = root / f"{IMAGES}.gz"
    for content in (path.read_bytes()[:-20], b"text", b""):
        path.write_bytes(content)
        assert IMAGES in refused(mnist.load, root=str(root))
    monkeypatch.setattr(idx, "MNIST", idx.MNIST._replace(counts=(61, 30)))
    root = unpack(tmp_path / "plain", raw)
    assert "60×4×4; expected 61×4×4" in refused(mnist.load, root=str(root))


def test_a_part_is_stratified_and_follows_the_seed(
    raw: dict[str, bytes], small_sets: Path, tmp_path: Path
) -> None:
    root = str(pack(tmp_path / "flat", raw))
    part = mnist.load(root=root, train=20, held_out=10, seed=1)
    assert np.bincount(part.train.y).tolist() == [2] * 10
    assert np.bincount(part.held_out.y).tolist() == [1] * 10
    assert np.array_equal(part.train.x, mnist.load(root=root, train=20, seed=1).train.x)
    assert not np.array_equal(part.train.x, mnist.load(root=root, train=20, seed=2).train.x)
    whole = mnist.load(root=root)
    assert np.array_equal(mnist.load(root=root, train=60).train.x, whole.train.x)
    for options in ({"train": 61}, {"train": 0}, {"held_out": 31}, {"held_out": -1}):
        key, value = next(iter(options.items()))
        assert f"{key}: got {value}; expected between 1 and" in refused(mnist.load, root=root, **options)


def test_binary_mnist_is_one_draw_whatever_the_part(
    raw: dict[str, bytes], small_sets: Path, tmp_path: Path
) -> None:
    root = str(pack(tmp_path / "flat", raw))
    grey, bits = mnist.load(root=root), mnist_binary.load(root=root)
    assert bits.levels == 2
    assert np.array_equal(bits.train.y, grey.train.y)
    assert bits.train.x[grey.train.x == 0].max() == 0 and bits.train.x[grey.train.x == 255].min() == 1
    draws = np.mean([mnist_binary.load(root=root, seed=seed).train.x for seed in range(400)], axis=0)
    deviations = (draws - grey.train.x / 255) / np.sqrt(0.25 / 400)
    assert np.abs(deviations).max() < 5
    assert abs(deviations.mean()) < 0.2
    whole = {image.tobytes() for image in bits.train.x}
    part = mnist_binary.load(root=root, train=20)
    assert all(image.tobytes() in whole for image in part.train.x)
    cut = mnist_binary.load(root=root, threshold=128)
    assert np.array_equal(cut.held_out.x, grey.held_out.x >= 128)
    assert "seed 0" in bits.about["binarisation"] and "128" in cut.about["binarisation"]
    for level in (0, 256):
        assert f"threshold: got {level}" in refused(mnist_binary.load, root=root, threshold=level)


def test_dynamic_binary_mnist_adds_the_intensities_and_changes_nothing_else(
    raw: dict[str, bytes], small_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "LEAST", 10)  # a fifth of sixty images
    root = str(pack(tmp_path / "flat", raw))
    static, dynamic = (
        mnist_binary.load(root=root, train=20, binarisation=flavour) for flavour in ("static", "dynamic")
    )
    for one, other in zip(static[:2], dynamic[:2], strict=True):
        assert np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)
    assert static.train.intensity is None and dynamic.train.intensity is not None
    grey = mnist.load(root=root, train=20)  # chosen by the same seed
    assert np.array_equal(dynamic.train.intensity, grey.train.x)
    path = tmp_path / "dynamic.safetensors"
    for validation in (False, True):
        entry = {"source": "mnist_binary", "root": root, "binarisation": "dynamic", "validation": validation}
        path.write_bytes(data.prepare("dynamic", Dataset(**entry)))
        prepared = data.load(path)
        assert prepared.card["binarisation"].startswith("dynamic: training steps draw afresh")
        assert prepared.train.intensity is not None
        assert (prepared.train.x[prepared.train.intensity == 255] == 1).all()
        assert (prepared.train.x[prepared.train.intensity == 0] == 0).all()
        assert len(prepared.train.x) == len(prepared.train.intensity)
    assert "binarisation: got 'both'" in refused(mnist_binary.load, root=root, binarisation="both")
    assert "threshold: got 9" in refused(mnist_binary.load, root=root, threshold=9, binarisation="dynamic")


# CIFAR-10


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Six small batches that stand for the published ones."""
    rng = np.random.default_rng(1)
    files = {}
    for name in cifar10.BATCHES:
        records = rng.integers(0, 256, (20, 3073), dtype=np.uint8)
        records[:, 0] = rng.permutation(20) % 10
        files[name] = records.tobytes()
    monkeypatch.setattr(cifar10, "COUNT", 20)
    monkeypatch.setattr(cifar10, "BATCHES", {name: md5(content) for name, content in files.items()})
    return files


def tar(files: dict[str, bytes], link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(cifar10.FOLDER))
        for name, content in files.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:  # to nothing
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{link}")
            member.type, member.linkname = tarfile.SYMTYPE, "gone"
            archive.addfile(member)
    return buffer.getvalue()


def test_cifar10_is_read_from_files_and_from_the_archive(
    batches: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack(tmp_path / "flat", batches)
    unpack(tmp_path / "inner" / cifar10.FOLDER, batches)
    archive = tar(dict(reversed(batches.items())))
    unpack(tmp_path / "packed", {cifar10.ARCHIVE: archive})
    site = unpack(tmp_path / "site", {cifar10.ARCHIVE: archive})
    monkeypatch.setattr(cifar10, "ARCHIVE_MD5", md5(archive))
    monkeypatch.setattr(cifar10, "MIRRORS", (site.as_uri() + "/",))
    first = np.frombuffer(batches["data_batch_1.bin"], np.uint8).reshape(20, 3073)
    test = np.frombuffer(batches["test_batch.bin"], np.uint8).reshape(20, 3073)
    for place in ("flat", "inner", "packed", "downloaded"):
        source = cifar10.load(root=str(tmp_path / place))
        assert source.train.x.shape == (100, 3, 32, 32)
        assert np.array_equal(source.train.x[:20].reshape(20, -1), first[:, 1:])
        assert np.array_equal(source.held_out.x.reshape(20, -1), test[:, 1:])
        assert np.array_equal(source.held_out.y, test[:, 0])
    assert [path.name for path in (tmp_path / "downloaded").iterdir()] == [cifar10.ARCHIVE]
    part = cifar10.load(root=str(tmp_path / "flat"), train=50, held_out=10)
    assert np.bincount(part.train.y).tolist() == [5] * 10


def test_wrong_cifar10_files_are_named(
    batches: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = unpack(tmp_path / "site", {cifar10.ARCHIVE: b"an error page"})
    monkeypatch.setattr(cifar10, "MIRRORS", (site.as_uri() + "/",))
    said = refused(cifar10.load, root=str(tmp_path / "new"))
    assert "root: " in said and "13 bytes; expected c32a1d4a" in said
    assert not (tmp_path / "new").exists()
    flat = unpack(tmp_path / "flat", batches | {"data_batch_3.bin": batches["data_batch_2.bin"]})
    assert "data_batch_3.bin: 61460 bytes, MD5" in refused(cifar10.load, root=str(flat))
    for archive, part in (
        (tar(batches)[:-100], "damaged, or no .tar.gz file"),
        (b"text", "damaged, or no .tar.gz file"),
        (tar({}, link="data_batch_1.bin"), "holds no data_batch_1.bin; expected the binary version"),
        (tar({"data_batch_1": b"pickled"}), "holds no data_batch_1.bin; expected the binary version"),
        (tar(batches | {"test_batch.bin": b"cut"}), "test_batch.bin: 3 bytes, MD5"),
    ):
        unpack(tmp_path / "packed", {cifar10.ARCHIVE: archive})
        assert part in refused(cifar10.load, root=str(tmp_path / "packed"))
    cut = tar({name: content[:-1] for name, content in batches.items()})
    monkeypatch.setattr(cifar10, "ARCHIVE_MD5", md5(cut))
    unpack(tmp_path / "packed", {cifar10.ARCHIVE: cut})
    assert "data_batch_1.bin: 61459 bytes; expected 61460, 20 records" in refused(
        cifar10.load, root=str(tmp_path / "packed")
    )


# A folder of images


def photographs(n: int, seed: int = 0) -> np.ndarray:
    """(n, 20, 24, 3)"""
    return np.random.default_rng(seed).integers(0, 256, (n, 20, 24, 3), dtype=np.uint8)


def save(place: Path, images: np.ndarray, suffix: str = ".png", start: int = 0) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(place / f"{start + i:03d}{suffix}")
    return place


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """120 images in two classes and three formats."""
    root = tmp_path / "animals"
    save(root / "cat", photographs(60))
    save(root / "dog", photographs(40, seed=1), ".jpg")
    save(root / "dog", photographs(20, seed=2), ".webp", start=40)
    (root / "notes.txt").write_text("no image")
    return root


def test_subfolders_are_classes(animals: Path, tmp_path: Path) -> None:
    ready = prepared(tmp_path / "x.safetensors", source="folder", root=str(animals), size=8, licence="CC0")
    assert ready.train.x.shape[1:] == (3, 8, 8)
    assert (ready.levels, ready.classes) == (256, 2)
    card = ready.card
    assert card["class_names"] == ["cat", "dog"]
    assert sum(card["counts"].values()) == 120
    assert [sum(pair) for pair in zip(*card["class_counts"].values(), strict=True)] == [60, 60]
    assert 10 <= card["counts"]["held_out"] <= 40  # a fifth of 120, give or take four standard deviations
    assert (card["source"], card["licence"]) == ("the folder animals", "CC0")
    assert card["held_out_duplicates_of_train"] == 0
    assert card["unreadable"] == {"count": 0, "files": []}
    assert card["range"] == [int(ready.train.x.min()), int(ready.train.x.max())]
    first = ready.train.y[:20]
    assert 0 < first.sum() < 20  # the classes are mixed, not one after the other


def test_images_keep_their_side_when_others_come(animals: Path) -> None:
    def held(source: Source) -> set[bytes]:
        return {image.tobytes() for image in source.held_out.x}

    before = folder.load(root=str(animals), size=8)
    save(animals / "bird", photographs(30, seed=3))
    after = folder.load(root=str(animals), size=8)
    train = {image.tobytes() for image in before.train.x}
    assert held(before) < held(after)
    assert not held(after) & train
    more = folder.load(root=str(animals), size=8, held_out=0.5)
    assert held(after) < held(more)


def test_exact_duplicates_never_straddle(tmp_path: Path) -> None:
    images = photographs(40)
    for place in ("a", "b", "c"):
        save(tmp_path / "copies" / place, images)
    source = folder.load(root=str(tmp_path / "copies"), size=8, held_out=0.4)
    train, held_out = ({image.tobytes() for image in x} for x in (source.train.x, source.held_out.x))
    assert not train & held_out
    assert len(train) + len(held_out) == 40


def test_images_are_cropped_to_the_centre_and_shrunk_with_antialiasing(tmp_path: Path) -> None:
    wide = np.full((16, 48, 3), 255, np.uint8)
    wide[:, 16:32] = 0  # the central square
    wide[:, 16:32:2] = 200  # in stripes
    root = save(tmp_path / "stripes", wide[None])
    Image.fromarray(wide.transpose(1, 0, 2)).save(root / "tall.png")
    source = folder.load(root=str(root), size=4)
    found = np.concatenate([source.train.x, source.held_out.x])
    assert found.shape == (2, 3, 4, 4)
    assert np.abs(found.astype(int) - 100).max() < 30


def test_images_stand_upright(tmp_path: Path) -> None:
    image = Image.fromarray(np.pad(np.full((8, 16, 3), 255, np.uint8), ((0, 8), (0, 0), (0, 0))))
    turned = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 270 degrees, as the camera lay
    (tmp_path / "photos").mkdir()
    image.save(tmp_path / "photos/a.png")
    turned.save(tmp_path / "photos/b.png", exif=exif)
    source = folder.load(root=str(tmp_path / "photos"), size=8)
    a, b = np.concatenate([source.train.x, source.held_out.x])
    assert np.array_equal(a, b)


def test_one_mode_or_a_word_which(tmp_path: Path) -> None:
    root = save(tmp_path / "mixed", photographs(10))
    save(root, photographs(10, seed=1)[..., 0], start=10)
    said = refused(folder.load, root=str(root), size=8)
    assert "000.png is 8x8 RGB, 010.png is 8x8 grey" in said
    assert "`grey: true` or `rgb: true`" in said
    grey, rgb = (folder.load(root=str(root), size=8, **{key: True}) for key in ("grey", "rgb"))
    assert (grey.train.x.shape[1], rgb.train.x.shape[1]) == (1, 3)
    assert "both" in refused(folder.load, root=str(root), size=8, grey=True, rgb=True)


def test_damaged_files_are_left_out_listed_and_counted(animals: Path, tmp_path: Path) -> None:
    whole = (animals / "cat/000.png").read_bytes()
    for i in range(13):  # 13 of 133 are a tenth, just about
        (animals / f"cat/bad{i:02d}.png").write_bytes(whole[: 40 * i])
    ready = prepared(tmp_path / "x.safetensors", source="folder", root=str(animals), size=8)
    assert ready.card["unreadable"]["count"] == 13
    assert ready.card["unreadable"]["files"][0] == "cat/bad00.png"
    assert sum(ready.card["counts"].values()) == 120
    (animals / "dog/bad.jpg").write_bytes(b"")
    said = refused(folder.load, root=str(animals), size=8)
    assert "14 of 134 files cannot be read (cat/bad00.png, cat/bad01.png, cat/bad02.png, …)" in said


def test_a_flat_folder_is_one_class(tmp_path: Path) -> None:
    root = save(tmp_path / "flat", photographs(100))
    ready = prepared(tmp_path / "x.safetensors", source="folder", root=str(root), size=8)
    assert (ready.classes, ready.card["class_names"]) == (1, ["all"])
    assert "1 class (too few for the domain classifier" in ready.card["description"]


def empty(root: Path) -> None:
    root.mkdir()


def beside(root: Path) -> None:
    save(root / "cat", photographs(2))
    save(root, photographs(1, seed=1))


def within(root: Path) -> None:
    save(root / "cat/young", photographs(2))


def deep(root: Path) -> None:
    root.mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(root / "deep.png")


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (lambda root: None, {}, "root: {root}: no such folder; expected a folder of images"),
        (
            empty,
            {},
            "{root}: no images; expected .bmp, .gif, .jfif, .jpe, .jpeg, .jpg, .png, .tif, .tiff, .webp files",
        ),
        (beside, {}, "{root}/000.png: an image beside class folders"),
        (within, {}, "{root}/cat/young/000.png: a folder within a class"),
        (deep, {}, "{root}/deep.png: has 16 bits a channel; expected 8-bit grey or RGB"),
        (empty, {"size": 3}, "size: got 3; expected 4 to 4096"),
        (empty, {"held_out": 0.0}, "held_out: got 0.0; expected a share between 0 and 1"),
        (empty, {"held_out": 1.0}, "held_out: got 1.0; expected a share between 0 and 1"),
    ],
)
def test_a_folder_that_is_no_dataset_is_named(
    tmp_path: Path, make: Callable[[Path], None], options: dict[str, Any], said: str
) -> None:
    root = tmp_path / "root"
    make(root)
    assert said.format(root=root) in refused(folder.load, root=str(root), **{"size": 8, **options})


def test_parts_too_small_for_the_metrics_are_refused(tmp_path: Path) -> None:
    root = str(save(tmp_path / "few", photographs(20)))
    prepare = partial(prepared, tmp_path / "x", source="folder", root=root, size=8)
    assert "held_out: got" in refused(prepare, held_out=0.1)
    assert "train: got" in refused(prepare, held_out=0.9)


# The command


def test_a_folder_is_prepared_by_the_command(genbench: Command, small: Path) -> None:
    for name in ("a", "b"):
        save(small / "mine" / name, photographs(50, seed=ord(name)))
    entry = "mine: {source: folder, root: mine, size: 8, grey: true, held_out: 0.3}"
    (small / "params.yaml").write_text(SMALL.replace("datasets:", f"datasets:\n  {entry}", 1))
    first, second = (
        genbench("prepare", "--dataset", "mine", "--out", f"data/{name}.safetensors") for name in ("x", "y")
    )
    assert first.returncode == second.returncode == 0, first.stderr
    ready = data.load(small / "data/x.safetensors")
    assert (small / "data/y.safetensors").read_bytes() == (small / "data/x.safetensors").read_bytes()
    assert ready.card["shape"] == [1, 8, 8]
    assert ready.card["options"] == {"size": 8, "held_out": 0.3, "grey": True}
    (small / "mine").rename(small / "moved")
    lost = genbench("prepare", "--dataset", "mine", "--out", "data/x.safetensors")
    assert lost.returncode == 1
    assert lost.stderr == (
        "genbench: error: params.yaml: datasets.mine: root: mine: no such folder; expected a folder of images\n"
    )
    assert data.load(small / "data/x.safetensors").sha256 == ready.sha256  # what was there stays
    (small / "params.yaml").write_text((small / "params.yaml").read_text().replace(", size: 8", ""))
    missing = genbench("prepare", "--dataset", "mine", "--out", "data/x.safetensors")
    assert "datasets.mine.size: missing; this key is required" in missing.stderr


def test_the_entries_in_the_documentation_are_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs/data.md").read_text()
    blocks = re.findall(r"```yaml\ndatasets:\n(.*?)```", text, flags=re.S)
    (tmp_path / "params.yaml").write_text(SMALL.replace("datasets:\n", "datasets:\n" + "".join(blocks), 1))
    named = {entry.source for entry in load(tmp_path / "params.yaml").datasets.values()}
    sources = {path.stem for path in (Path(data.__file__).parent / "sources").glob("*.py")} - {"__init__"}
    assert named == sources
    assert all(f"| `{source}` |" in text for source in sources)
