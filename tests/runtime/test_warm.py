"""Commands that start warm write what cold ones write and end as they do; nothing is left behind."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import forked
import psutil
import pytest
from conftest import EXTRACTOR, REFERENCE, RUN, copy_of, run_in

from genbench.runtime import warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux starts warm")

# A process that waits and commands that ask it, as the console script does, without what takes seconds to import: the
# child, or where it is refused the command itself, runs the program in its arguments.
SERVER = """
import sys
from genbench.runtime import forking
start = forking.Start.now()
sys.path.insert(0, {folder!r})
import loaded
forking.serve(int(sys.argv[-1]), start)
forking.finish(lambda: exec(sys.argv[1]))
"""
COMMAND = """
import os, sys
from genbench.runtime import warm
warm.ask(os.environ[warm.VARIABLE])
print("cold", flush=True)
exec(sys.argv[1])
"""
WAIT = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
Ask = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """A shell's background jobs ignore ctrl-C, and so would what is started here when the tests are one."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "loaded.py").write_text("")
    os.utime(tmp_path / "loaded.py", (1e9, 1e9))
    time.sleep(0.2)  # a file that has just changed may change again unseen
    return tmp_path


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["subprocess.Popen[bytes]"]:
    monkeypatch.delenv(warm.VARIABLE, raising=False)
    process = warm.start((sys.executable, "-c", SERVER.format(folder=str(folder))))
    assert process is not None
    assert process.stdin is not None
    yield process
    children = psutil.Process(process.pid).children(recursive=True)
    process.stdin.close()
    process.wait(20)
    wait_for(lambda: not any(map(alive, children)))
    wait_for(lambda: not Path(os.environ[warm.VARIABLE]).parent.exists() or process.returncode)


@pytest.fixture
def ask(server: "subprocess.Popen[bytes]", folder: Path) -> Ask:
    def run(program: str, **options: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", COMMAND, program]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, text=True, **{"cwd": folder, **pipes, **options})  # type: ignore[call-overload]

    return run


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_child_has_all_that_the_command_has(ask: Ask, folder: Path) -> None:
    program = """
import os, signal, sys
print(os.getcwd(), os.environ.get("MINE"), os.umask(0), sys.argv[2:], "loaded" in sys.modules, input())
print("an error", file=sys.stderr)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGHUP).name)
"""
    (folder / "inner").mkdir()
    asked = ask(program, cwd=folder / "inner", env=os.environ | {"MINE": "ü"}, umask=0o027)
    out, error = asked.communicate("typed\n")
    assert out.splitlines() == [
        f"{folder / 'inner'} ü {0o027} [] True typed",
        f"True {signal.getsignal(signal.SIGHUP).name}",
    ]
    assert (error, asked.returncode) == ("an error\n", 0)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("", 0),
        ("raise SystemExit(3)", 3),
        ("1 / 0", 1),
        ("raise SystemExit('a word')", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os; os.abort()", -signal.SIGABRT),
    ],
)
def test_a_command_ends_as_its_child_does(ask: Ask, program: str, code: int) -> None:
    asked = ask(program)
    assert "cold" not in asked.communicate()[0]
    assert asked.returncode == code


def test_children_know_nothing_of_each_other(ask: Ask) -> None:
    program = "import loaded, random; print(hasattr(loaded, 'mark'), random.random()); loaded.mark = 1"
    said = [ask(program).communicate()[0].split() for _ in range(3)]
    assert {mark for mark, _ in said} == {"False"}
    assert len({draw for _, draw in said}) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_reach_the_child(ask: Ask, number: signal.Signals) -> None:
    asked = ask(WAIT)
    child = psutil.Process(int(asked.stdout.readline()))
    assert child.pid != asked.pid
    asked.send_signal(number)
    wait_for(lambda: not alive(child))
    code = asked.wait(20)
    assert code == (-number if number != signal.SIGINT else code)
    assert code != 0


def test_what_the_command_ignores_its_child_ignores(ask: Ask) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell's background jobs do
    try:
        asked = ask("import signal; print(signal.getsignal(signal.SIGINT).name)")
    finally:
        signal.signal(signal.SIGINT, before)
    assert asked.communicate()[0] == "SIG_IGN\n"


@pytest.mark.parametrize("victim", ["the process that waits", "its parent"])
def test_no_orphan_is_left(ask: Ask, server: "subprocess.Popen[bytes]", victim: str) -> None:
    asked = ask(WAIT.replace("60", "5"))
    child = psutil.Process(int(asked.stdout.readline()))
    if victim == "its parent":
        server.stdin.close()  # as the end of a process closes its pipes
    else:
        server.kill()
    wait_for(lambda: not alive(child))
    assert asked.stdout.readline() == "cold\n"  # the command goes on by itself
    asked.kill()
    asked.wait()
    assert ask("").communicate()[0] == "cold\n"


def test_a_changed_source_is_not_overlooked(ask: Ask, folder: Path) -> None:
    program = "import loaded; print('warm')"
    assert ask(program).communicate()[0] == "warm\n"
    (folder / "loaded.py").write_text("changed = True\n")
    for _ in range(2):
        path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        said = ask("import loaded; print(loaded.changed)", env=os.environ | {"PYTHONPATH": path})
        assert said.communicate()[0] == "cold\nTrue\n"
    assert ask("").communicate()[0] == "cold\n"


@pytest.mark.parametrize(
    ("wrapped", "variables"),
    [
        ("exec", {"MALLOC_ARENA_MAX": "1"}),
        ("exec", {"PYTHONOPTIMIZE": "1"}),
        ("ulimit -v 4000000; exec", {}),
        ("exec nice", {}),
        ("exec taskset 1", {}),
    ],
)
def test_what_is_decided_at_the_start_of_a_process_is_not_overlooked(
    ask: Ask, wrapped: str, variables: dict[str, str]
) -> None:
    if wrapped.endswith("taskset 1") and os.sched_getaffinity(0) == {0}:
        pytest.skip("there is one processor")
    assert ask("").communicate()[0] == ""
    command = [sys.executable, "-c", COMMAND, ""]
    shell = ["sh", "-c", f'{wrapped} "$@"', "sh", *command]
    assert (
        subprocess.run(shell, env=os.environ | variables, capture_output=True, check=True).stdout == b"cold\n"
    )


@pytest.mark.parametrize("address", ["/nowhere/socket", ""])
def test_where_nobody_waits_a_command_is_cold(address: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMMAND, ""]
    said = subprocess.run(command, env=os.environ | {warm.VARIABLE: address}, capture_output=True, check=True)
    assert said.stdout == b"cold\n"


def test_any_command_can_be_given_a_process_that_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`genbench warm -- dvc repro`: it is there while the command runs, and gone afterwards, however that ends."""
    monkeypatch.delenv(warm.VARIABLE, raising=False)
    program = (
        'test -S "$GENBENCH_WARM" && echo "$GENBENCH_WARM $(cat /proc/$PPID/task/$PPID/children)"; exit 3'
    )
    result = run_in(tmp_path, "genbench", "warm", "--", "sh", "-c", program)
    address, *processes = result.stdout.split()
    assert result.returncode == 3
    assert len(processes) == 2  # the shell, and what waits
    assert not Path(address).parent.exists()
    wait_for(lambda: not any(map(psutil.pid_exists, map(int, processes))))
    assert run_in(tmp_path, "genbench", "warm", "--", "no-such-program").stderr == (
        "genbench: error: no-such-program: not found; expected a program, e.g. dvc\n"
    )


# A command, and the processor time that was its own; the child is none of its children.
TIMED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)
"""
STAGES = {
    ("sample", *RUN): ("samples.npz", "grid.png"),
    ("novelty", *RUN, *REFERENCE): ("novelty.json", "nearest.png"),
    ("evaluate", *RUN, "--extractor", EXTRACTOR, *REFERENCE): (
        "metrics.json",
        "replicates.npz",
        "summary.json",
    ),
    ("train", *RUN): ("model.safetensors", "curve.csv", "followed.npz", "frames.npz"),
}


def test_stages_in_any_order_write_what_cold_ones_wrote(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(warm.VARIABLE, raising=False)
    folder = copy_of(built, tmp_path / "copy")
    monkeypatch.chdir(folder)
    assert warm.start() is not None  # a process of its own, which nothing has happened to
    run = Path(RUN[-1])
    stages = random.Random(0).sample(list(STAGES), 4) + random.Random(1).sample(list(STAGES), 4)
    for stage in stages:
        for name in STAGES[stage]:
            if name not in {"model.safetensors", "samples.npz"}:  # which others read
                (folder / run / name).unlink()
        result = run_in(folder, sys.executable, "-c", TIMED, "genbench", *stage)
        assert result.returncode == 0, result.stderr
        assert float(result.stdout.split()[-1]) < 0.5, "it was cold"
        for name in STAGES[stage]:
            assert (folder / run / name).read_bytes() == (built / run / name).read_bytes(), name
    params = folder / "params.yaml"  # which that process has read
    params.write_text(params.read_text().replace("steps: ", "steps: no"))
    result = run_in(folder, "genbench", *stages[0])
    assert result.returncode == 1
    assert "steps: got 'no" in result.stderr


@pytest.mark.parametrize("command", [("dvc", "repro"), ("snakemake",), ("genbench", "sync", "--strict")])
def test_these_tests_fork_an_engine_from_the_process_that_has_imported_it(command: tuple[str, ...]) -> None:
    assert forked.starts_an_engine(command)


@pytest.mark.parametrize("stage", STAGES)
def test_these_tests_fork_a_stage_from_the_process_that_has_imported_torch(stage: tuple[str, ...]) -> None:
    """From the other one each would import torch anew, which takes longer than most stages."""
    assert not forked.starts_an_engine(("genbench", *stage))
