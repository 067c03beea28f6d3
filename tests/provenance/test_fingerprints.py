"""What a stage depends on is what it can reach: held against another library's reading of the imports."""

import ast
import json
import sys
from functools import cache
from pathlib import Path

import pytest
from reach import MODULES, module_of, reached

from genbench.kinds.kind import PARTS
from genbench.params.yaml import read
from genbench.provenance import fingerprints, sources
from genbench.provenance.closure import LIBRARIES, SOURCE, Closure, closure, difference
from genbench.provenance.sources import PACKAGE

ROOT = PACKAGE.parent.parent
ROOMS = sorted({path.relative_to(PACKAGE).parts[0] for path in MODULES})


@cache
def closure_of(path: Path) -> Closure:
    return closure([path], known())


@cache
def known() -> sources.Sources:
    return sources.Sources()


def python_files(found: dict[str, str]) -> set[str]:
    return {module_of(PACKAGE / Path(name).relative_to(SOURCE)) for name in found if name.endswith(".py")}


@cache
def has_a_file(module: str) -> bool:
    place = PACKAGE.parent / module.replace(".", "/")
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def modules_of(room: str) -> list[Path]:
    return [path for path in MODULES if path.relative_to(PACKAGE).parts[0] == room]


@pytest.mark.parametrize("room", ROOMS)
def test_the_closure_of_every_module_is_what_it_imports(room: str) -> None:
    for path in modules_of(room):
        assert python_files(closure_of(path).files) == set(filter(has_a_file, reached(path))), path


@pytest.mark.parametrize("room", ROOMS)
def test_an_edit_planted_into_any_module_changes_its_hash_and_a_comment_does_not(
    room: str, tmp_path: Path
) -> None:
    for path in modules_of(room):
        text, copy = path.read_text(encoding="utf-8"), tmp_path / path.name
        as_it_is = closure_of(path).files[f"{SOURCE}/{path.relative_to(PACKAGE).as_posix()}"]
        for planted, same in (("\n# PLANTED = 1\n", True), ("\nPLANTED = 1\n", False)):
            copy.write_text(text + planted, encoding="utf-8")
            assert (sources.read(copy).digest == as_it_is) == same, path


def test_what_is_loaded_by_a_computed_name_is_known() -> None:
    """`importlib.import_module` hides what it loads from any reading of imports: the fingerprints add these by name."""
    calls = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__")
    }
    # The one loads beforehand what stages load, the other belongs to no stage.
    assert calls - {"cli/warm.py", "report/zoo.py"} == {
        "data/prepared.py",
        "data/sources/translation.py",
        "kinds/kind.py",
        "models/build.py",
    }


def test_every_stage_has_a_fingerprint_of_its_own_file() -> None:
    params = read(ROOT / "params.yaml")
    found = fingerprints.places(params)
    files = {path.stem for path in (PACKAGE / "stages").glob("*.py")} - {
        "__init__",
        "inputs",
        "trained",
        "processes",
    }
    assert set(fingerprints.STAGES.values()) == files - {"outside"}
    assert {f"models/{entry['model']}.json" for entry in params["runs"].values()} <= found.keys()
    for dataset in params["datasets"]:
        kind = {f"kinds/{part}/{dataset}.json" for part in PARTS}
        assert {f"data/{dataset}.json", *kind} <= found.keys()


@pytest.mark.parametrize("stage", fingerprints.STAGES)
def test_a_stage_depends_on_the_parts_of_a_kind_that_it_can_load(stage: str) -> None:
    """Five modules load a part each, by its name: a stage can load those that it, or a part of it, asks them for."""
    params = read(ROOT / "params.yaml")
    run, dataset = (
        ("digits-vae", "") if stage not in ("prepare", "extractor", "reference", "report") else ("", "digits")
    )
    needs = fingerprints.needed(stage, params, run=run, dataset=dataset)
    reached = {
        module_of(PACKAGE / Path(name).relative_to(SOURCE))
        for place in needs
        for name in fingerprints.of([place], params)[place].files
        if name.endswith(".py")
    }
    loaded = {part for module in reached for part in loads().get(module, ())}
    assert {place.split("/")[1] for place in needs if place.startswith("kinds/")} == loaded


def test_a_part_that_is_asked_for_in_another_way_is_seen() -> None:
    """What the test above believes: none but these five modules call `part_of`, each for the part of its own name."""
    calls = {
        path.relative_to(PACKAGE).as_posix(): ast.literal_eval(node.args[1])
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "part_of"
    }
    assert calls == {f"kinds/{part}.py": part for part in PARTS}
    assert any(parts == {"drawing"} for parts in loads().values())


@cache
def loads() -> dict[str, set[str]]:
    """Of modules that name `<part>_of`, or a whole module of `kinds` that has it, the parts that they may load."""
    found: dict[str, set[str]] = {}
    for path in MODULES:
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        kinds = "genbench.kinds"
        parts = {part for part in PARTS if names & {f"{kinds}.{part}", f"{kinds}.{part}.{part}_of"}}
        if parts:
            found[module_of(path)] = parts
    return found


def test_a_dataset_made_from_another_depends_on_its_source_too() -> None:
    params = read(ROOT / "params.yaml")
    found = {name: fingerprints.places(params)[f"data/{name}.json"] for name in params["datasets"]}
    digits = PACKAGE / "data/sources/digits.py"
    assert {name for name, files in found.items() if digits in files} == {
        "digits",
        "digits_binary",
        "digits_edges",
        "digits_edges_unpaired",
        "digits_negative_unpaired",
    }


def test_the_templates_of_a_page_count_for_its_stage() -> None:
    files = closure([PACKAGE / "stages/report.py"]).files
    assert f"{SOURCE}/report/templates/index.html" in files
    assert f"{SOURCE}/report/templates/index.html" not in closure([PACKAGE / "stages/train.py"]).files


# What stages import besides: text, tables of settings, formats of files, and what waits or reports.
NO_NUMBERS = {"filelock", "jinja2", "markupsafe", "pydantic", "ruamel", "safetensors", "tqdm"}


def test_every_library_that_computes_or_draws_for_a_stage_counts_by_its_release() -> None:
    roots = {root for files in fingerprints.places(read(ROOT / "params.yaml")).values() for root in files}
    reached = {PACKAGE / Path(name).relative_to(SOURCE) for name in closure(roots, known()).files}
    imported = {name for path in reached if path.suffix == ".py" for name in known()[path].packages}
    others = imported - sys.stdlib_module_names
    assert others == NO_NUMBERS | LIBRARIES.keys() - {"torchvision"}
    drawn = fingerprints.of(["stages/report.json"], read(ROOT / "params.yaml"))["stages/report.json"]
    assert drawn.packages.keys() >= {"altair", "vl-convert-python"}
    assert "none" not in drawn.packages.values()


def significant(text: str) -> str:
    return sources._significant(text, ast.parse(text))


def test_comments_and_docstrings_do_not_count_and_all_else_does() -> None:
    text = '"""Says."""\n\n# Why.\nX = 1\n\n\ndef f():\n    """Does."""\n    # Because.\n'
    text += '    return """a\n# no comment\n\nb"""\n'
    same = (
        text.replace("Says", "Said")
        .replace("Why", "How")
        .replace("Does", "Did")
        .replace("Because", "As")
        .replace("\n\n\n", "\n")
    )
    assert significant(same) == significant(text)
    for change in (("X = 1", "X = 2"), ("# no comment\n", ""), ("\n\nb", "\nb"), ("def f():", "def f(a=1):")):
        assert significant(text.replace(*change)) != significant(text), change


def test_a_docstring_beside_code_is_left_as_it_is() -> None:
    assert significant('def f(): "doc"\n') != significant('def f(): "other"\n')
    assert significant('"""doc"""; X = 1\n') != significant('"""doc"""; X = 2\n')


def test_a_file_is_written_only_where_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"datasets": {"bits": {"source": "digits"}}, "runs": {}, "external": {}}
    fingerprints.refresh(params, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert tmp_path / "kinds/drawing/bits.json" in times
    (tmp_path / "kinds/gone.json").write_text("{}")
    (tmp_path / "data/bits.json").write_text("{}")
    fingerprints.refresh(params, tmp_path)
    changed = {path for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert changed == {tmp_path / "data/bits.json"}
    assert not (tmp_path / "kinds/gone.json").exists()
    assert json.loads((tmp_path / "data/bits.json").read_bytes())["files"]


def test_a_difference_is_told_by_its_file_or_package() -> None:
    before = {f"{SOURCE}/core.py": "a", "torch": "2.13.0"}
    assert difference(before, before) == ""
    assert (
        difference(before, before | {f"{SOURCE}/core.py": "b"})
        == f"{SOURCE}/core.py is not what it was made with"
    )
    assert (
        difference(before, before | {"torch": "2.14.1"})
        == "torch 2.14.1 is not what it was made with, 2.13.0"
    )


def test_a_damaged_or_old_memory_of_sources_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "sources.json"
    monkeypatch.setattr(sources, "KEPT", kept)
    monkeypatch.setattr(sources, "PACKAGE", tmp_path / "genbench")
    file = tmp_path / "genbench/a.py"
    file.parent.mkdir()
    file.write_text("import numpy\n")
    for content in ("", "[]", '{"x": 1', "{}"):
        kept.write_text(content)
        known = sources.Sources()
        assert known[file].packages == ("numpy",)
        known.keep()
    file.write_text("import scipy\n")
    assert sources.Sources()[file].packages == ("scipy",)
