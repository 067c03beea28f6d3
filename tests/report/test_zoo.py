"""The list of all systems says what stands in the package and in the default benchmark."""

import ast
import re
from pathlib import Path

import pytest
from conftest import ROOT, run_in

from genbench.params.signatures import model_names

MODELS = ROOT / "src/genbench/models"


def test_the_page_is_what_the_command_writes(tmp_path: Path) -> None:
    made = run_in(ROOT, "genbench", "zoo", "--out", str(tmp_path / "zoo.md"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "zoo.md").read_text() == (ROOT / "docs/zoo.md").read_text(), (
        "docs/zoo.md is of another zoo: genbench zoo --out docs/zoo.md"
    )


@pytest.mark.parametrize("name", [name for name in model_names() if not name.startswith("controls/")])
def test_every_system_names_its_paper_and_its_equation(name: str) -> None:
    said = ast.get_docstring(ast.parse((MODELS / f"{name}.py").read_text())) or ""
    assert re.search(r"\([^()]*\b(19|20)\d\d\b.*?\)", said), "no authors and year"
    assert re.search(r"[=≥≤]|\bmin", said), "no equation"
    assert f"[{name}](../src/genbench/models/{name}.py)" in (ROOT / "docs/zoo.md").read_text()
