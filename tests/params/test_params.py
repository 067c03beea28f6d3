"""Bad input gets one line that names the key, what was wrong and what was expected."""

from pathlib import Path
from typing import get_args

import pytest
from conftest import SMALL, Command

from genbench.data.parts.faces import DISCRETE
from genbench.data.parts.transforms import TRANSFORMS
from genbench.params.schema import load
from genbench.params.signatures import model_names, model_signature, source_signature
from genbench.storage.files import InputError


def loading(tmp_path: Path, text: str) -> str:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_the_default_benchmark_and_the_small_one_are_valid(tmp_path: Path) -> None:
    assert len(load(Path("params.yaml")).runs) >= 14
    (tmp_path / "params.yaml").write_text(SMALL)
    assert load(tmp_path / "params.yaml").runs["bits-made"].hyperparameters == {"hidden": 30}


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("hidden: 30", "hiden: 30", "runs.bits-made.hiden", "did you mean 'hidden'"),
        ("hidden: 30", "hidden: wide", "runs.bits-made.hidden", "'wide'"),
        ("hidden: 30", "hidden: 1.5", "runs.bits-made.hidden", "1.5"),
        ("steps: 40", "steps: -1", "runs.bits-made.steps", "-1"),
        ("steps: 40", "steps: '40'", "runs.bits-made.steps", "'40'"),
        ("ema: 0.9", "ema: 1.5", "runs.bits-made.ema", "1.5"),
        (
            "autoregressive/made",
            "autoregressive/mad",
            "runs.bits-made.model",
            "did you mean 'autoregressive/made'",
        ),
        ("autoregressive/made", "../../made", "runs.bits-made.model", "../../made"),
        (
            "dataset: bits, model: auto",
            "dataset: bit, model: auto",
            "runs.bits-made.dataset",
            "did you mean 'bits'",
        ),
        (
            "source: digits, train: 1000}\n  bits",
            "source: digit}\n  bits",
            "datasets.digits.source",
            "'digit'",
        ),
        ("threshold: 8", "treshold: 8", "datasets.bits.treshold", "did you mean 'threshold'"),
        ("bits-made:", "bits/made:", "runs.bits/made", "not a usable name"),
        ("bits-made:", "..:", "runs...", "not a usable name"),
        ("device: cpu", "device: tpu", "device", "'tpu'"),
        ("extractor:", "extracter:", "extracter", "did you mean 'extractor'"),
        ("width: 8", "wdth: 8", "extractor.wdth", "did you mean 'width'"),
        ("steps: 60", "steps: many", "extractor.steps", "'many'"),
        ("seeds: [0, 3]", "seeds: []", "extractor.seeds", "got []; expected at least 1 of them"),
        ("seeds: [0, 3]", "seeds: [3, 3]", "extractor.seeds", "each seed once"),
        (
            "ema: 0.9",
            "processes: 3",
            "runs.bits-made.batch_size",
            "got 32 for 3 processes; expected a multiple",
        ),
        ("ema: 0.9", "processes: 0", "runs.bits-made.processes", "got 0"),
        ("ema: 0.9", "precision: half", "runs.bits-made.precision", "'float32' or 'bfloat16'"),
        ("ema: 0.9", "compile: 1", "runs.bits-made.compile", "got 1"),
        ("ema: 0.9", "seeds: [0, 1]", "runs.bits-made.seeds", "list a run for each"),
        ("hidden: 30", "hidden: 30, lr: .inf", "runs.bits-made.lr", "finite number"),
        ("source: digits", "source: Digits", "datasets.digits.source", "did you mean 'digits'"),
        ("source: digits", "source: ../digits", "datasets.digits.source", "unknown source '../digits'"),
        ("device: cpu", 'device: "\\ud800"', "line 1", "invalid Unicode character"),
        ("device: cpu", "device: cpu\n? [a]\n: 1", "top level", "key ('a',) is no text"),
        ("device: cpu", f"device: {'[' * 5000}", "not valid YAML", "line"),
        ("device: cpu", f"device: {'[' * 5000}{']' * 5000}", "", "not what parameters can be"),
        ("device: cpu", "device: &loop [*loop]", "", "not what parameters can be"),
        ("device: cpu", "device: 2021-01-01", "device", "2021-01-01 is a date to YAML"),
        ("device: cpu", "device: !!set {cpu}", "device", "is a set to YAML"),
        ("device: cpu", "device: on", "device", "got 'on'"),
        ("bits-made:", "2021:", "runs", "key 2021 is no text to YAML; expected quotes around it"),
        ("bits-made:", "true:", "runs", "key True is no text to YAML"),
        ("device: cpu", f"device: {'7' * 5000}", "", "not what parameters can be"),
        ("  bits-made:", "  digits-copycat:", "'digits-copycat'", "twice"),
        ("runs:", "runs: [", "not valid YAML", "line "),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    assert old in SMALL
    message = loading(tmp_path, SMALL.replace(old, new, 1))
    assert key in message
    assert said in message


def test_a_missing_section_and_an_empty_file_are_named(tmp_path: Path) -> None:
    assert "extractor: missing" in loading(tmp_path, SMALL.replace("extractor:", "#", 1))
    assert "expected a mapping" in loading(tmp_path, "")


def test_exponents_without_a_point_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(SMALL.replace("hidden: 30", "hidden: 30, lr: 1e-3"))
    assert load(tmp_path / "params.yaml").runs["bits-made"].hyperparameters["lr"] == 1e-3


def test_a_run_may_take_its_keys_from_another(tmp_path: Path) -> None:
    more = "  bits-made-s1: {<<: *made, seed: 1}\n  bits-made-wide: {<<: *made, hidden: 60}\n"
    (tmp_path / "params.yaml").write_text(SMALL.replace("bits-made: {", "bits-made: &made {") + more)
    runs = load(tmp_path / "params.yaml").runs
    first = runs["bits-made"]
    assert runs["bits-made-s1"] == first.model_copy(update={"seed": 1})
    assert runs["bits-made-wide"].hyperparameters == {"hidden": 60}
    twice = "  bits-made-s1: {<<: *made, seed: 1, seed: 2}\n"
    said = loading(tmp_path, SMALL.replace("bits-made: {", "bits-made: &made {") + twice)
    assert "'seed' is given twice" in said


def test_every_model_file_has_a_signature_that_params_can_fill() -> None:
    names = model_names()
    assert "autoregressive/made" in names
    for name in names:
        assert isinstance(model_signature(name, "run"), dict)


def test_the_command_line_says_it_in_one_line_and_leaves_results_alone(
    genbench: Command, small: Path
) -> None:
    assert genbench("prepare", "--dataset", "digits", "--out", "data/digits.safetensors").returncode == 0
    before = (small / "data/digits.safetensors").read_bytes()
    (small / "params.yaml").write_text(SMALL.replace("train: 1000", "trian: 1000", 1))
    result = genbench("prepare", "--dataset", "digits", "--out", "data/digits.safetensors")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "datasets.digits.trian" in result.stderr
    assert (small / "data/digits.safetensors").read_bytes() == before


def test_check_says_whether_the_parameters_are_valid(genbench: Command, small: Path) -> None:
    good = genbench("check")
    assert (good.returncode, good.stdout) == (0, "params.yaml: 2 runs on 2 datasets, all valid\n")
    (small / "params.yaml").write_text(SMALL.replace("autoregressive/made", "autoregressive/maid"))
    bad = genbench("check")
    assert bad.returncode == 1
    assert (
        "runs.bits-made.model: unknown model 'autoregressive/maid'; did you mean 'autoregressive/made'?"
        in bad.stderr
    )
    assert list(small.iterdir()) == [small / "params.yaml"]


def test_an_unknown_run_is_named_with_the_ones_there_are(genbench: Command) -> None:
    result = genbench("train", "--run", "bits-mad", "--data", "x", "--out", "y")
    assert result.returncode == 1
    assert "did you mean 'bits-made'" in result.stderr


def test_a_choice_is_checked_before_anything_runs(tmp_path: Path) -> None:
    message = loading(tmp_path, SMALL.replace("hidden: 30", "hidden: 30, activation: swish", 1))
    assert "runs.bits-made.activation: got 'swish'; expected 'relu' or 'gated'" in message


def test_the_words_of_a_source_are_those_it_knows() -> None:
    known = {("translation", "transform"): TRANSFORMS, ("faces", "label"): DISCRETE}
    for (source, option), words in known.items():
        accepted = source_signature(source, "test", {"base": "digits"})[option].type
        assert set(get_args(accepted)) == set(words)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("mnist_binary, binarisation: both", "binarisation: got 'both'; expected 'static' or 'dynamic'"),
        ("celeba, partition: train", "partition: got 'train'; expected 'test' or 'valid'"),
        (
            "faces, label: pose",
            "label: got 'pose'; expected 'hair', 'hair_colour', 'glasses' or 'background'",
        ),
        ("translation, transform: edge", "transform: got 'edge'; expected 'edges', 'grey', 'negative'"),
    ],
)
def test_a_word_that_a_source_does_not_know_is_named(tmp_path: Path, entry: str, said: str) -> None:
    message = loading(tmp_path, SMALL.replace("  bits:", f"  more: {{source: {entry}}}\n  bits:", 1))
    assert f"datasets.more.{said}" in message
