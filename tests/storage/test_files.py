"""Partial files: nobody else can prepare, share or guess them, and what a killed process leaves goes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genbench.storage.files import PARTIAL, InputError, write_all, write_whole


def partials(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(PARTIAL)]


def test_a_link_at_the_place_of_a_partial_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f"result{PARTIAL}").symlink_to(victim)
    (tmp_path / f".result{PARTIAL}").symlink_to(victim)
    write_all(tmp_path, {"result": b"new"})
    write_whole(tmp_path / "result", b"newer")
    assert victim.read_text() == "precious"
    assert (tmp_path / "result").read_bytes() == b"newer" and not (tmp_path / "result").is_symlink()


def test_a_name_that_somebody_has_taken_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    name = f".result.{os.uname().nodename[:40].replace('.', '-')}.{os.getpid()}.guessed{PARTIAL}"
    (tmp_path / name).symlink_to(victim)
    with pytest.raises(InputError, match="result: cannot be written: File exists"):
        write_all(tmp_path, {"result": b"new"})
    assert victim.read_text() == "precious"


def test_two_writers_of_one_file_do_not_share_a_partial_one(tmp_path: Path) -> None:
    def slow() -> Iterator[bytes]:
        yield b"one"
        write_all(tmp_path, {"result": b"two"})  # another writer begins and ends meanwhile
        assert (tmp_path / "result").read_bytes() == b"two"
        yield b", whole"

    write_all(tmp_path, {"result": slow()})
    assert (tmp_path / "result").read_bytes() == b"one, whole"
    assert partials(tmp_path) == []


def test_what_a_killed_process_has_left_goes_and_what_another_writes_stays(tmp_path: Path) -> None:
    kill = (
        "import os, sys; from pathlib import Path; from genbench.storage.files import write_all\n"
        "def pieces():\n    yield b'half'\n    os.kill(os.getpid(), 9)\n"
        "write_all(Path(sys.argv[1]), {'result': pieces()})"
    )
    subprocess.run([sys.executable, "-c", kill, str(tmp_path)], check=False)
    (left,) = partials(tmp_path)
    machine, running, letters = left.name.split(".")[2:5]
    alive = tmp_path / f".result.{machine}.{os.getppid()}.{letters}{PARTIAL}"
    elsewhere = tmp_path / f".result.other{machine}.{running}.{letters}{PARTIAL}"
    for path in (alive, elsewhere):
        path.touch()
    write_all(tmp_path, {"result": b"new"})
    assert set(partials(tmp_path)) == {alive, elsewhere}


def test_a_name_of_any_length_can_be_written(tmp_path: Path) -> None:
    write_all(tmp_path, {"x" * 255: b"new", "ä" * 127: b"new"})
    write_all(tmp_path, {"[a]*": b"new"})
    assert (tmp_path / ("x" * 255)).read_bytes() == (tmp_path / "[a]*").read_bytes() == b"new"
