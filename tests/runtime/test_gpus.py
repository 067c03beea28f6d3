"""Which GPU a stage has to itself, and what it asks the engine for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import SMALL, checkout, run_in

from genbench.runtime import gpus
from genbench.storage.files import InputError

UUIDS = ["GPU-aaaa1111-0000", "GPU-bbbb2222-0000"]
LISTING = "GPU 0: NVIDIA H100 (UUID: GPU-aaaa1111-0000)\nGPU 1: NVIDIA H100 (UUID: GPU-bbbb2222-0000)\n"


def driver(folder: Path, listing: str = LISTING) -> Path:
    """A folder with an nvidia-smi that lists these GPUs."""
    folder.mkdir(exist_ok=True)
    (folder / "listing").write_text(listing)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat {folder}/listing\n")
    program.chmod(0o755)
    return folder


def test_slices_stand_in_place_of_the_gpu_that_is_cut() -> None:
    assert gpus.parse(LISTING) == UUIDS
    cut = LISTING.replace(
        "\nGPU 1", "\n  MIG 1g.10gb Device 0: (UUID: MIG-1)\n  MIG 1g.10gb Device 1: (UUID: MIG-2)\nGPU 1"
    )
    assert gpus.parse(cut) == ["MIG-1", "MIG-2", UUIDS[1]]
    assert gpus.parse("No devices were found\n") == []


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ("0,1", UUIDS),
        ("1", UUIDS[1:]),
        ("1,0", UUIDS[::-1]),
        ("GPU-bbbb", UUIDS[1:]),
        ("", []),
        ("-1", []),
        ("0,7,1", UUIDS[:1]),
        ("GPU-", []),
    ],
)
def test_the_word_of_a_scheduler_is_obeyed(allowed: str, expected: list[str]) -> None:
    assert gpus.selected(allowed, UUIDS) == expected


def test_a_job_of_slurm_that_was_given_no_gpu_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(driver(tmp_path / "bin")), prepend=os.pathsep)
    for name in (gpus.VISIBLE, "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    gpus._listed.cache_clear()
    assert gpus.visible() == UUIDS
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    assert gpus.visible() == []
    monkeypatch.setenv(gpus.VISIBLE, "1")
    assert gpus.visible() == UUIDS[1:]
    gpus._listed.cache_clear()


@pytest.mark.parametrize("jobs_per_gpu", [1, 2])
def test_a_gpu_is_one_jobs_unless_the_parameters_say_so(tmp_path: Path, jobs_per_gpu: int) -> None:
    held = [gpus.claim(UUIDS, jobs_per_gpu=jobs_per_gpu, folder=tmp_path) for _ in range(2 * jobs_per_gpu)]
    assert [each[0] for each in held if each] == UUIDS * jobs_per_gpu  # the empty one first
    assert gpus.claim(UUIDS, jobs_per_gpu=jobs_per_gpu, folder=tmp_path) is None
    assert held[1]
    held[1][1].release()
    again = gpus.claim(UUIDS, jobs_per_gpu=jobs_per_gpu, folder=tmp_path)
    assert again
    assert again[0] == UUIDS[1]


def test_processes_wait_for_each_other_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from genbench.runtime import gpus; gpus.occupy(gpus.visible(), jobs_per_gpu=1);"
        "gpus.occupy(gpus.visible(), jobs_per_gpu=1);"  # once more: it has its own
        "print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep(60)"
    )
    path = os.pathsep.join([str(driver(tmp_path / "bin")), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "TMPDIR": str(tmp_path)}
    for name in (gpus.VISIBLE, gpus.HELD, "SLURM_JOB_ID"):
        environment.pop(name, None)

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    holders = [start(), start()]
    waiter = None
    try:
        assert sorted(holder.stdout.readline().strip() for holder in holders if holder.stdout) == UUIDS
        waiter = start()
        assert waiter.stderr
        assert waiter.stdout
        assert "waiting for 1 free GPU(s) of 2" in waiter.stderr.readline()
        time.sleep(2 * gpus.POLL_SECONDS)
        assert waiter.poll() is None
        holders[0].send_signal(signal.SIGKILL)
        holders[0].wait()
        assert waiter.stdout.readline().strip() in UUIDS
    finally:
        for process in [*holders, *([waiter] if waiter else [])]:
            process.kill()
            process.communicate()


def test_a_gpu_of_a_number_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genbench.runtime.machine import pick_device

    monkeypatch.setattr(gpus, "visible", lambda: UUIDS)
    with pytest.raises(
        InputError, match=r"device: got 'cuda:2', but this machine has 2 GPU\(s\), numbered from 0"
    ):
        pick_device("cuda:2")


def gpus_asked_for(folder: Path, params: str, **environment: str) -> set[str]:
    """By the stages of a dry run on a machine with two GPUs."""
    (folder / "params.yaml").write_text(params)
    path = os.pathsep.join(
        [str(driver(folder / "bin")), str(Path(sys.executable).parent), os.environ["PATH"]]
    )
    result = run_in(folder, "snakemake", "-n", "--nocolor", PATH=path, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return {line.partition("gpu=")[2] for line in result.stdout.splitlines() if "gpu=" in line}


def test_stages_ask_for_a_gpu_where_the_device_is_one(tmp_path: Path) -> None:
    folder = checkout(tmp_path, SMALL)
    auto = SMALL.replace("device: cpu", "device: auto")
    assert gpus_asked_for(folder, SMALL) == {"0"}
    assert gpus_asked_for(folder, auto) == {"1"}
    assert gpus_asked_for(folder, auto, CUDA_VISIBLE_DEVICES="") == {
        "0"
    }  # a machine without one, and all its cores


def test_the_processes_of_a_run_get_a_gpu_each_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "visible", lambda: UUIDS)
    monkeypatch.setattr(gpus.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(gpus, "_locks", [])
    assert gpus.reserve("a", "cpu", 2, jobs_per_gpu=1) == []
    with pytest.raises(InputError, match=r"runs\.a\.processes: got 3 on device auto, with 2 GPU here"):
        gpus.reserve("a", "auto", 3, jobs_per_gpu=1)
    folder = tmp_path / f"genbench-gpus-{os.getuid()}"
    single = gpus.claim(UUIDS, jobs_per_gpu=1, folder=folder)
    assert single
    monkeypatch.setattr(
        gpus.time, "sleep", lambda seconds: single[1].release()
    )  # as if its process had ended
    assert sorted(gpus.reserve("a", "cuda", 2, jobs_per_gpu=1)) == UUIDS
    assert gpus.claim(UUIDS, jobs_per_gpu=1, folder=folder) is None
