"""The table of an ablation: seeds of one system make one row, and the sentence says what the numbers say."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from genbench.params.schema import load

SCRIPT, FOLDER = ROOT / "benchmarks/ablation.py", ROOT / "benchmarks/techniques"
GAMES = ROOT / "benchmarks/games"


def ablation() -> Any:
    spec = importlib.util.spec_from_file_location("ablation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("dataset", ["ring", "digits"])
def test_a_row_has_five_seeds_and_the_arms_differ_in_their_techniques_alone(dataset: str) -> None:
    settings = load(FOLDER / "params.yaml")
    found = ablation().systems(settings, dataset)
    arms = {name: runs for name, runs in found.items() if not settings.runs[runs[0]].control}
    assert len(arms) >= 6
    assert next(iter(arms)) == "plain"
    for runs in arms.values():
        assert [settings.runs[run].seed for run in runs] == [0, 1, 2, 3, 4]
    entries = [settings.runs[runs[0]].model_dump() for runs in arms.values()]
    techniques = [tuple(entry.pop("techniques")) for entry in entries]
    assert len(set(techniques)) == len(arms)
    assert all(entry == entries[0] for entry in entries)


@pytest.mark.parametrize("dataset", ["ring", "grid"])
def test_arms_of_games_have_three_seeds_and_differ_in_loss_or_regulariser_from_the_first(
    dataset: str,
) -> None:
    settings = load(GAMES / "params.yaml")
    found = ablation().systems(settings, dataset)
    arms = [runs for runs in found.values() if not settings.runs[runs[0]].control]
    assert [[settings.runs[run].seed for run in runs] for runs in arms] == [[0, 1, 2]] * 11
    first, *others = (settings.runs[runs[0]].model_dump() for runs in arms)
    assert first["regulariser"] == "r1"
    for key in ("loss", "regulariser"):
        one = [entry for entry in others if entry.get(key) not in (None, first.get(key))]
        assert len({entry[key] for entry in one}) == len(one) == 5
        assert all({**entry, key: None, "clip": None} == {**first, key: None, "clip": None} for entry in one)


def test_the_sentence_names_what_differs_by_more_than_three_standard_errors() -> None:
    found = ablation().sentence(
        "ring",
        {
            "plain": {"kl": [0.2, 0.22, 0.18], "modes": [6, 7, 6]},
            "new_rule": {"kl": [0.1, 0.11, 0.09], "modes": [8, 8, 8]},
            "bad_rule": {"kl": [0.5, 0.52, 0.51], "modes": [6, 7, 7]},
            "no_rule": {"kl": [0.1, 0.3, 0.2], "modes": [6, 6, 7]},
        },
    )
    assert found == (
        "On `ring`, against plain over 3 seeds: new rule improves modes 6.3 → 8.0 and KL 0.200 → 0.100; "
        "bad rule worsens KL 0.200 → 0.510; no rule: no difference beyond three standard errors."
    )


def test_a_row_is_mean_and_standard_deviation_and_what_was_not_measured_a_dash() -> None:
    rows = {"plain": {"kl": [0.1, 0.2, 0.3], "churn": [-0.01, -0.03]}, "*real* (control)": {"kl": [0.0014]}}
    assert ablation().table(rows) == [
        "| system | seeds | KL [nats] ↓ | churn ↓ |",
        "|---|---|---|---|",
        "| plain | 3 | 0.200 ± 0.100 | −0.020 ± 0.014 |",
        "| *real* (control) | 1 | 0.001 | – |",
    ]


def test_the_one_command_makes_what_the_table_reads() -> None:
    command = [sys.executable, str(SCRIPT), "--needed"]
    result = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    needed = result.stdout.split()
    settings = load(FOLDER / "params.yaml")
    assert {Path(path).parent.name for path in needed} >= {
        run for run, entry in settings.runs.items() if not entry.control
    }
    assert "$(python ../ablation.py --needed)" in (FOLDER / "Makefile").read_text()
