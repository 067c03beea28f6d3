"""Several processes train one run: they do what one does, and none is left behind when another is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import together
import torch
from conftest import RUN, SMALL, copy_of, run_in
from safetensors.torch import load_file
from torch import Tensor

from genbench.core import Batch
from genbench.runtime import warm
from genbench.runtime.group import Group

Fitted = tuple[dict[str, Tensor], dict[str, list[float]]]  # tensors, losses by objective


@pytest.fixture(scope="module")
def trained_by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every model of `together`, trained by two processes."""
    folder = tmp_path_factory.mktemp("together")
    result = run_in(folder, sys.executable, "-c", together.LAUNCHER, together.__file__, str(folder))
    assert result.returncode == 0, result.stderr
    return folder


def by_two(folder: Path, name: str, rank: int = 0) -> Fitted:
    losses: dict[str, list[float]] = {}
    for line in (folder / f"{name}-{rank}.csv").read_text().splitlines():
        objective, loss = line.split(",")
        losses.setdefault(objective, []).append(float(loss))
    return load_file(folder / f"{name}-{rank}.safetensors"), losses


def by_one(name: str, tmp_path: Path) -> Fitted:
    model, record = together.fit(name, tmp_path)
    losses: dict[str, list[float]] = {}
    for point in record.curve:
        losses.setdefault(point.objective, []).append(point.loss)
    return dict(model.state_dict()), losses


@pytest.mark.parametrize("name", ["made", "normed"])
def test_without_noise_two_processes_do_what_one_does(
    trained_by_two: Path, tmp_path: Path, name: str
) -> None:
    (two, losses_of_two), (one, losses_of_one) = by_two(trained_by_two, name), by_one(name, tmp_path)
    assert two.keys() == one.keys()
    for key, value in one.items():
        torch.testing.assert_close(
            two[key], value, rtol=1e-4, atol=1e-5, msg=lambda m, key=key: f"{key}: {m}"
        )
    assert losses_of_two.keys() == losses_of_one.keys()
    for objective, losses in losses_of_one.items():
        assert losses_of_two[objective] == pytest.approx(losses, rel=1e-4)


@pytest.mark.parametrize(("name", "tolerance"), [("vae", 0.02), ("gan", 0.1), ("stacked", 0.02)])
def test_with_noise_two_processes_reach_what_one_reaches(
    trained_by_two: Path, tmp_path: Path, name: str, tolerance: float
) -> None:
    """Each draws its own noise, so the losses agree as two seeds do: their means over the last third of the steps."""
    losses_of_two, losses_of_one = by_two(trained_by_two, name)[1], by_one(name, tmp_path)[1]
    for objective, losses in losses_of_one.items():
        third = len(losses) // 3
        expected = sum(losses[-third:]) / third
        assert sum(losses_of_two[objective][-third:]) / third == pytest.approx(expected, rel=tolerance)


def test_all_processes_end_with_the_same_model_but_what_each_drew_itself(trained_by_two: Path) -> None:
    for name in together.MODELS:
        (first, losses), (second, same_losses) = (
            by_two(trained_by_two, name, 0),
            by_two(trained_by_two, name, 1),
        )
        assert losses == same_losses
        different = {key for key, value in first.items() if not torch.equal(value, second[key])}
        assert different == ({"fantasies"} if name == "rbm" else set()), name


def test_shares_make_up_the_batch() -> None:
    batch = Batch(torch.arange(6.0), torch.arange(6))
    shares = [Group(rank, 3).shard(batch) for rank in range(3)]
    assert torch.equal(torch.cat([share.x for share in shares]), batch.x)
    assert torch.equal(torch.cat([share.label for share in shares if share.label is not None]), batch.x)
    assert {len(share.x) for share in shares} == {2}
    assert len({Group(rank, 3).seed(5) for rank in range(3)}) == 3


LONG = SMALL.replace("steps: 40", "steps: 200, dropout: 0.2, processes: 2")
OUTPUTS = ("model.safetensors", "curve.csv", "followed.npz", "frames.npz")
RECEIPT = "results/receipts/train/bits-made.json"


def interrupted(
    workspace: Path, how: Callable[[psutil.Process, list[psutil.Process]], object]
) -> tuple[int, str]:
    """The training, with what is done to it and its two processes at its first checkpoint; then its end."""
    checkpoint = workspace / "results/checkpoints/bits-made.pt"
    checkpoint.unlink(missing_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "GENBENCH_CHECKPOINT_SECONDS": "0.05", warm.VARIABLE: ""}
    # A shell's background jobs ignore ctrl-C, and so would this command when the tests are one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    command = subprocess.Popen(
        ["genbench", "train", *RUN],
        cwd=workspace,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, before)
    try:
        deadline = time.monotonic() + 120
        while not checkpoint.exists() and command.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        workers = psutil.Process(command.pid).children()
        assert len(workers) == 2
        how(psutil.Process(command.pid), workers)
        _, said = command.communicate(timeout=60)
        psutil.wait_procs(workers, timeout=20)
    finally:
        command.kill()  # a failure leaves nothing that slows the rest down
    assert not [
        worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE
    ]
    assert checkpoint.exists()
    return command.returncode, said


@pytest.fixture(scope="module")
def undisturbed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built folder after a training by two processes that nothing has happened to."""
    folder = copy_of(built, tmp_path_factory.mktemp("undisturbed") / "copy")
    (folder / "params.yaml").write_text(LONG)
    result = run_in(folder, "genbench", "train", *RUN)
    assert result.returncode == 0, result.stderr
    return folder


def outputs(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "results/runs/bits-made" / name).read_bytes() for name in OUTPUTS}


def test_the_first_process_leaves_the_receipt(undisturbed: Path) -> None:
    receipt = json.loads((undisturbed / RECEIPT).read_text())
    assert receipt["command"] == " ".join(["genbench", "train", *RUN])
    assert set(receipt["written"]) >= {f"results/runs/bits-made/{name}" for name in OUTPUTS}


def test_a_lost_process_ends_the_command_and_a_second_call_goes_on_to_the_same_bytes(
    workspace: Path, undisturbed: Path
) -> None:
    (workspace / "params.yaml").write_text(LONG)
    run = workspace / "results/runs/bits-made"
    (run / "model.safetensors").unlink()
    code, said = interrupted(workspace, lambda command, workers: workers[1].kill())
    assert code == 1
    problem = [line for line in said.splitlines() if line.startswith("genbench: error:")]
    assert len(problem) == 1
    assert "runs.bits-made: process 1 of 2 was killed by SIGKILL" in problem[0]
    assert "Traceback" not in said
    interrupted(workspace, lambda command, workers: command.kill())
    assert not (run / "model.safetensors").exists()

    again = run_in(workspace, "genbench", "train", *RUN)
    assert again.stderr.count("resuming from step") == 1
    assert outputs(workspace) == outputs(undisturbed)


def test_an_interrupt_ends_all_processes(workspace: Path) -> None:
    endless = LONG.replace("steps: 200,", "steps: 1000000,")  # none reaches its end before the signal
    assert endless != LONG
    (workspace / "params.yaml").write_text(endless)
    code, said = interrupted(workspace, lambda command, workers: os.killpg(command.pid, signal.SIGINT))
    assert code != 0
    assert "Traceback" not in said


def test_what_all_processes_refuse_is_said_once(workspace: Path) -> None:
    text = SMALL.replace("ema: 0.9", "processes: 2").replace(
        "autoregressive/made, hidden: 30", "controls/copycat"
    )
    (workspace / "params.yaml").write_text(text)
    result = run_in(workspace, "genbench", "train", *RUN)
    assert result.returncode == 1
    assert result.stderr.count("genbench: error:") == 1
    assert "runs.bits-made: got processes: 2 for a model that is fitted in closed form" in result.stderr


@pytest.mark.slow
def test_torchrun_starts_the_same_training(workspace: Path, undisturbed: Path) -> None:
    (workspace / "params.yaml").write_text(LONG)
    torchrun = ("torchrun", "--no-python", "--nproc-per-node")
    result = run_in(workspace, *torchrun, "2", "--", "genbench", "train", *RUN)
    assert result.returncode == 0, result.stderr
    assert outputs(workspace) == outputs(undisturbed)


def test_another_number_of_processes_than_torchrun_has_started_is_refused(workspace: Path) -> None:
    (workspace / "params.yaml").write_text(LONG)
    told = {"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
    refused = run_in(workspace, "genbench", "train", *RUN, **told)
    assert refused.returncode == 1
    assert "runs.bits-made.processes: got 2, but torchrun has started 1" in refused.stderr
