"""params.yaml is read in one way, YAML 1.2, by this package and by DVC, whatever writes it."""

from pathlib import Path

import pytest
from dvc.utils.serialize import dumps_yaml, modify_yaml, parse_yaml

from genbench.params.schema import Params
from genbench.params.yaml import KEYS, read
from genbench.storage.files import LEDGER, InputError


def reading(folder: Path, text: str) -> dict[str, object]:
    path = folder / "params.yaml"
    path.write_text(text)
    return read(path)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 1e-3),
        ("5e-05", 5e-5),
        ("1E5", 1e5),
        ("+1.5e+3", 1500.0),
        ("017", 17),
        ("0o17", 15),
        ("on", "on"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("true", True),
        ("~", None),
        ("'1e-3'", "1e-3"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says_here_and_to_dvc(tmp_path: Path, written: str, value: object) -> None:
    content = reading(tmp_path, f"a: {written}\n")
    assert content == {"a": value}
    assert type(content["a"]) is type(value)
    assert parse_yaml(f"a: {written}\n", "params.yaml") == content


@pytest.mark.parametrize("path", [Path("params.yaml"), *sorted(Path("benchmarks").glob("*/params.yaml"))])
def test_dvc_reads_the_same_benchmark(path: Path) -> None:
    assert read(path) == parse_yaml(path.read_text(encoding="utf-8"), str(path))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_than_the_engines_read_is_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "params.yaml").write_bytes("größe: 1\n".encode(encoding))
    with pytest.raises(InputError, match=r"params.yaml: not valid YAML: invalid .* byte \d; expected UTF-8"):
        read(tmp_path / "params.yaml")


def test_what_dvc_writes_for_an_experiment_is_a_number(tmp_path: Path) -> None:
    assert reading(tmp_path, dumps_yaml({"lr": 0.00005})) == {"lr": 5e-5}
    path = tmp_path / "params.yaml"
    path.write_text("runs:\n  a: &a {lr: 1e-3, steps: 1}\n  b: {<<: *a, steps: 2}\n")
    with modify_yaml(str(path)) as content:  # as `dvc exp run -S runs.a.lr=0.00005` does
        content["runs"]["a"]["lr"] = 0.00005
    assert "e-05" in path.read_text()
    assert read(path) == {"runs": {"a": {"lr": 5e-5, "steps": 1}, "b": {"lr": 5e-5, "steps": 2}}}


def test_keys_are_taken_over_from_other_mappings_and_none_is_given_twice(tmp_path: Path) -> None:
    base = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\n"
    assert reading(tmp_path, base + "c: {<<: *b, x: 4}\n")["c"] == {"x": 4, "y": 3}
    assert reading(tmp_path, base + "c: {<<: [*b, *a], z: 5}\n")["c"] == {"x": 1, "y": 3, "z": 5}
    for twice, name, line in (
        ("c: {<<: *b, x: 4, x: 5}\n", "x", 3),
        ("c: {<<: *b, 'x': 4, x: 5}\n", "x", 3),
        ("c: {<<: *a, <<: *b}\n", "<<", 3),
        ("c: {<<: *b}\nb: 1\n", "b", 4),
    ):
        with pytest.raises(InputError, match=f"line {line}: key '{name}' is given twice"):
            reading(tmp_path, base + twice)


def test_what_was_read_is_kept_for_the_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LEDGER, "params", {})
    content = reading(tmp_path, "a: {b: 1}\n")
    assert LEDGER.params == content
    assert str(tmp_path / "params.yaml") in LEDGER.read


def test_the_keys_named_where_there_is_no_mapping_are_those_of_the_schema() -> None:
    assert set(KEYS) == set(Params.model_fields)
