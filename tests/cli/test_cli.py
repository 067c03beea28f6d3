"""Where a command runs, its terminal and its user, is no reason for a traceback."""

import io
import os
import pwd
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from test_absent import PARAMS
from test_report import models
from test_study import write_run

from genbench.cli import application


def said_by(monkeypatch: pytest.MonkeyPatch, *arguments: str, encoding: str = "utf-8") -> tuple[int, str]:
    """The exit code of `genbench …`, and all that it says, on a terminal of this encoding."""
    out = io.BytesIO()
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.TextIOWrapper(out, encoding=encoding, write_through=True))
    monkeypatch.setattr(sys, "argv", ["genbench", *arguments])
    with pytest.raises(SystemExit) as end:
        application.main()
    return int(end.value.code or 0), out.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "koi8-r"])
def test_a_terminal_that_lacks_a_character_shows_a_question_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    for result in models()[:2]:
        write_run(Path("results/runs") / result.name, result)
    code, said = said_by(monkeypatch, "show", encoding=encoding)
    assert code == 0
    assert "vae" in said and "?" in said


@pytest.mark.parametrize("command", ["score --samples a --train b --held-out c --out d", "study"])
def test_a_negative_seed_is_refused(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    code, said = said_by(monkeypatch, *command.split(), "--seed", "-1")
    assert code != 0
    assert "'--seed'" in said and "Traceback" not in said


def test_a_user_without_a_name_and_a_home_gets_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: DVC and Snakemake ask for them."""

    def unknown(*_: object) -> NoReturn:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "")  # so that it is restored
        monkeypatch.delenv(name)
    Path("params.yaml").write_text(PARAMS)
    code, said = said_by(monkeypatch, "check")
    assert (code, "all valid" in said) == (0, True)
    assert os.environ["LOGNAME"] == f"uid{os.getuid()}"
    assert Path.home() == tmp_path / ".cache"
