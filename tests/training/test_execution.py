"""Precision and compilation: what they leave alone, and that a run trained so is as good."""

import shutil
from functools import partialmethod
from pathlib import Path

import pytest
import torch
from test_models import ZOO, elements, tiny, untrained

from genbench.core import Splits
from genbench.params.schema import LATER_KEYS, Run
from genbench.storage.files import InputError
from genbench.training.execution import AS_WRITTEN, COMPILERS, Execution
from genbench.training.loop import Budget, Job, Record, train

BFLOAT16 = Execution(precision="bfloat16")
COMPILED = Execution(compile=True)


def trained(name: str, folder: Path, how: Execution, steps: int = 4) -> tuple[torch.nn.Module, Record]:
    model = tiny(name)
    splits = Splits(elements(model.space, 40), elements(model.space, 30, seed=1))
    return model, train(model, splits, Budget(steps, 16, ema=0.5), Job("test", 0, folder / "c.pt", "f"), how)


def by_gradients(name: str) -> bool:
    return any(phase.objectives for phase in untrained(name).phases())


@pytest.mark.parametrize("name", [name for name in ZOO if by_gradients(name)])
def test_bfloat16_is_close_finite_and_leaves_the_weights_float32(name: str, tmp_path: Path) -> None:
    (model, record), (_, expected) = (trained(name, tmp_path, how) for how in (BFLOAT16, AS_WRITTEN))
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert all(bool(torch.isfinite(value).all()) for value in model.parameters())
    losses, exact = ([point.loss for point in one.curve] for one in (record, expected))
    assert losses == pytest.approx(exact, rel=0.05, abs=0.05)
    # NADE's recursion adds one pixel after the other to a running sum, which stays float32; a clock multiplies nothing.
    assert (losses == exact) == (name in {"autoregressive/nade", "controls/two_in_turns"})


def test_bfloat16_repeats_to_the_bit_and_trains_as_well(tmp_path: Path) -> None:
    first, again, exact = (
        trained("autoregressive/made", tmp_path, how, steps=150) for how in (BFLOAT16, BFLOAT16, AS_WRITTEN)
    )
    assert all(torch.equal(a, b) for a, b in zip(first[0].parameters(), again[0].parameters(), strict=True))
    x = elements(first[0].space, 200, seed=2).x
    with torch.no_grad():
        nats, expected = (-model.eval().log_prob(x).mean() for model, _ in (first, exact))
    assert float(nats) == pytest.approx(float(expected), rel=0.01)


def test_a_model_fitted_in_closed_form_refuses_what_would_do_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"runs\.test: got precision: bfloat16 for a model .* closed form"):
        trained("controls/copycat", tmp_path, BFLOAT16)


def test_a_machine_without_a_compiler_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(
        InputError, match=r"runs\.test\.compile: got true, but this machine has no C\+\+ compiler"
    ):
        trained("autoregressive/made", tmp_path, COMPILED)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="compiling needs a C++ compiler")
def test_a_compiled_training_is_close_and_repeats(tmp_path: Path) -> None:
    (model, record), (again, _) = (trained("autoregressive/made", tmp_path, COMPILED) for _ in range(2))
    expected = trained("autoregressive/made", tmp_path, AS_WRITTEN)[1]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert [p.loss for p in record.curve] == pytest.approx([p.loss for p in expected.curve], rel=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="compiling needs a C++ compiler")
def test_a_gradient_penalty_cannot_be_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever turns the graphs into code: their gradients are what cannot be differentiated."""
    monkeypatch.setattr(
        torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend="aot_eager")
    )
    problem = r"runs\.test\.compile: got true for a loss that holds a gradient"
    with pytest.raises(InputError, match=problem), COMPILED.explained("test"):
        trained("adversarial/wgan_gp", tmp_path, COMPILED)


def test_only_what_differs_from_the_defaults_belongs_to_the_weights() -> None:
    plain = Run(dataset="d", model="m/x", **LATER_KEYS)
    assert not LATER_KEYS.keys() & plain.model_dump(mode="json").keys()
    assert (
        Run(dataset="d", model="m/x", precision="bfloat16").model_dump(mode="json")["precision"] == "bfloat16"
    )
    assert {key: getattr(Run(dataset="d", model="m/x"), key) for key in LATER_KEYS} == LATER_KEYS


@pytest.mark.parametrize("name", [name for name in ZOO if by_gradients(name)])
def test_batches_of_one_element_are_trained_on_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    model = tiny(name)
    splits = Splits(elements(model.space, 40), elements(model.space, 30, seed=1))
    try:
        with AS_WRITTEN.explained("test"):
            train(model, splits, Budget(6, 1), Job("test", 0, tmp_path / "c.pt", "f"), AS_WRITTEN)
    except InputError as error:
        assert str(error).startswith("runs.test") and "\n" not in str(error)
