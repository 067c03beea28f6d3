"""Folders as people have them: odd names, links, modes and files between the images."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL, Command
from PIL import Image
from test_data_sources import photographs, prepared, refused, save

from genbench.data.source import Source
from genbench.data.sources import folder
from genbench.extractors import classifier
from genbench.params.schema import Extractor
from genbench.storage.files import InputError


def picture(height: int = 20, width: int = 24) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """24 images in two classes, in a folder whose name has a space and letters beyond ASCII."""
    root = tmp_path / "mein Ordner – ü 日本"
    save(root / "Kätzchen weiß", photographs(12))
    save(root / "犬", photographs(12, seed=1))
    return root


def images(source: Source) -> set[bytes]:
    return {image.tobytes() for image in (*source.train.x, *source.held_out.x)}


def upper(place: Path) -> None:
    for suffix in (".PNG", ".JPG", ".Jpeg", ".WebP", ".BMP"):
        picture().save(place / f"x{suffix}")


def unlike_its_name(place: Path) -> None:
    picture().save(place / "x.png", format="JPEG")


def palette(place: Path) -> None:
    picture().convert("P").save(place / "x.png")
    picture().convert("RGBA").save(place / "opaque.png")


def animated(place: Path) -> None:
    later = [Image.fromarray(image) for image in photographs(2, seed=9)]
    picture().save(place / "x.webp", save_all=True, append_images=later, lossless=True)


def tiny(place: Path) -> None:
    picture(1, 1).save(place / "x.png")
    picture(1, 200).save(place / "long.png")


def exif_of_nonsense(place: Path) -> None:
    packed = io.BytesIO()
    picture().save(packed, "JPEG", exif=b"Exif\0\0nonsense")
    (place / "x.jpg").write_bytes(packed.getvalue())


def link(place: Path) -> None:
    picture().save(place.parent.parent / "elsewhere.png")
    (place / "x.png").symlink_to(place.parent.parent / "elsewhere.png")


@pytest.mark.parametrize(
    ("add", "count"),
    [
        (upper, 5),
        (unlike_its_name, 1),
        (palette, 2),
        (animated, 1),
        (tiny, 2),
        (exif_of_nonsense, 1),
        (link, 1),
    ],
)
def test_unusual_images_are_read(album: Path, add: Callable[[Path], None], count: int) -> None:
    before = folder.load(root=str(album), size=8)
    add(album / "犬")
    source = folder.load(root=str(album), size=8)
    assert len(source.train.x) + len(source.held_out.x) == 24 + count
    assert images(before) <= images(source)
    assert source.about["unreadable"] == {"count": 0, "files": []}
    assert source.about["class_names"] == ["Kätzchen weiß", "犬"]


def test_an_animation_is_its_first_picture(album: Path) -> None:
    animated(album / "犬")
    still = np.asarray(picture()).transpose(2, 0, 1)
    source = folder.load(root=str(album), size=20)
    assert np.ascontiguousarray(still[:, :, 2:22]).tobytes() in images(source)


def test_what_is_no_image_is_passed_over(album: Path) -> None:
    before = folder.load(root=str(album), size=8)
    for name in (".DS_Store", "._000.png", "Thumbs.db", "desktop.ini", "notes.txt"):
        (album / "犬" / name).write_bytes(b"\0")
    (album / "Thumbs.db").write_bytes(b"\0")
    (album / "empty").mkdir()
    (album / "__MACOSX").mkdir()
    (album / "__MACOSX/._000.png").write_bytes(b"\0")
    save(album / ".thumbnails", photographs(3, seed=4))
    after = folder.load(root=str(album), size=8)
    assert np.array_equal(after.train.x, before.train.x)
    assert after.about == before.about


def test_links_to_folders_are_classes(album: Path, tmp_path: Path) -> None:
    root = tmp_path / "linked"
    root.mkdir()
    for place in album.iterdir():
        (root / place.name).symlink_to(place)
    linked, plain = (folder.load(root=str(place), size=8) for place in (root, album))
    assert np.array_equal(linked.train.x, plain.train.x)
    assert np.array_equal(linked.train.y, plain.train.y)
    (album / "犬/again").symlink_to(album)
    assert "again: a link to a folder that it lies in" in refused(folder.load, root=str(album), size=8)


def test_the_current_folder_and_the_home_folder_are_folders(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(album)
    monkeypatch.setenv("HOME", str(album.parent))
    here, home = (folder.load(root=root, size=8) for root in (".", f"~/{album.name}"))
    assert np.array_equal(here.train.x, home.train.x)
    assert here.about["source"] == home.about["source"] == f"the folder {album.name}"


def test_files_that_cannot_be_opened_count_as_unreadable(album: Path) -> None:
    (album / "犬/gone.png").symlink_to(album / "nothing.png")
    (album / "犬" / os.fsdecode(b"\xff.png")).write_bytes(b"")  # a name that is no UTF-8
    found = folder.load(root=str(album), size=8).about["unreadable"]
    assert found == {"count": 2, "files": ["犬/gone.png", "犬/\\xff.png"]}


@pytest.mark.parametrize("kind", ["pipe", "device", "another format"])
def test_what_only_has_the_name_of_an_image_is_unreadable(album: Path, kind: str) -> None:
    place = album / "犬/x.png"
    if kind == "pipe":
        os.mkfifo(place)  # would be waited for
    elif kind == "device":
        place.symlink_to("/dev/zero")  # has no end
    else:
        picture().save(place, "GIF")
    found = folder.load(root=str(album), size=8).about["unreadable"]
    assert found == {"count": 1, "files": ["犬/x.png"]}


def test_a_receipt_holds_names_that_are_no_utf8(genbench: Command, small: Path) -> None:
    save(small / "mine" / os.fsdecode(b"\xffclass"), photographs(120))
    entry = "mine: {source: folder, root: mine, size: 8}"
    (small / "params.yaml").write_text(SMALL.replace("datasets:", f"datasets:\n  {entry}", 1))
    result = genbench("prepare", "--dataset", "mine", "--out", "data/mine.safetensors")
    assert (result.returncode, result.stderr) == (0, "")
    assert "mine/\\\\xffclass/000.png" in (small / "results/receipts/prepare/mine.json").read_text()


def transparent(place: Path) -> None:
    image = picture().convert("RGBA")
    image.putalpha(100)
    image.save(place / "x.png")


def transparent_colour(place: Path) -> None:
    image = picture().convert("P")
    image.save(place / "x.png", transparency=int(np.asarray(image)[0, 0]))


def sixteen_bits(place: Path) -> None:
    """Colours of two bytes, of which Pillow would drop one."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(20 * 6)) * 20)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (place / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)


@pytest.mark.parametrize(
    ("add", "said"),
    [
        (transparent, "x.png: has transparent pixels; expected opaque images"),
        (transparent_colour, "x.png: has transparent pixels; expected opaque images"),
        (
            lambda place: picture().convert("CMYK").save(place / "x.jpg"),
            "x.jpg: has mode CMYK; expected 8-bit",
        ),
        (sixteen_bits, "x.png: has 16 bits a channel; expected 8-bit"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(
    album: Path, add: Callable[[Path], None], said: str
) -> None:
    add(album / "犬")
    assert said in refused(folder.load, root=str(album), size=8)


def test_an_error_is_one_line_whatever_the_name(genbench: Command, small: Path) -> None:
    save(small / "mine", photographs(12))
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(small / "mine/a\n\x1b[31m\u2028b.png")
    entry = "mine: {source: folder, root: mine, size: 8}"
    (small / "params.yaml").write_text(SMALL.replace("datasets:", f"datasets:\n  {entry}", 1))
    result = genbench("prepare", "--dataset", "mine", "--out", "data/mine.safetensors")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert r"mine/a\n\x1b[31m\u2028b.png: has 16 bits" in result.stderr
    assert not (small / "data/mine.safetensors").exists()


def test_a_training_part_of_one_class_is_too_few_for_the_classifier(tmp_path: Path) -> None:
    ready = prepared(tmp_path / "x", source="digits")
    alone = ready._replace(train=ready.train._replace(y=np.full_like(ready.train.y, 3)))
    with pytest.raises(InputError, match=r"datasets\.set: 1000 images to train on, all of one class"):
        classifier.train(alone, Extractor(steps=1))


def test_one_class_is_too_few_for_the_classifier(tmp_path: Path) -> None:
    ready = prepared(
        tmp_path / "x", source="folder", root=str(save(tmp_path / "flat", photographs(80))), size=8
    )
    with pytest.raises(InputError, match=r"datasets\.set: \d+ images to train on, all of one class"):
        classifier.train(ready, Extractor(steps=1))
