"""A SLURM of one node, this one: does a benchmark come out of it with the bytes of a local run?

    python tests/cluster/slurm.py

It needs Debian's packages slurm-wlm and munge, and snakemake-executor-plugin-slurm; no systemd, no configuration.
All of it (keys, sockets, logs, queue) lives in one temporary folder, on ports that nothing else uses, so that a
SLURM that this machine may belong to is not touched.  Whatever happens, its daemons are stopped.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from conftest import TINY, checkout
from test_engines import artifacts

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo")
PLUGIN = "snakemake_executor_plugin_slurm"
PLACES = "/usr/sbin:/sbin"  # where Debian puts daemons, not on every user's path
START_SECONDS, BUILD_SECONDS = 60, 1200
BENCHMARK = f"""\
{TINY}\
  bits-made: {{dataset: bits, model: autoregressive/made, hidden: 30, steps: 40, batch_size: 32, threads: 2}}
"""
STAGES = ("train", "sample", "novelty", "evaluate")
# CPUs, memory and minutes: the run's threads, and the profile's defaults.
ASKED = {
    **dict.fromkeys(
        (
            "rule_prepare_wildcards_bits",
            "rule_extractor_wildcards_bits",
            "rule_reference_wildcards_bits",
            "rule_report",
        ),
        "1 4000M 4:00:00",
    ),
    **{f"rule_{stage}_wildcards_bits-copycat": "1 4000M 4:00:00" for stage in STAGES},
    **{f"rule_{stage}_wildcards_bits-made": "2 4000M 4:00:00" for stage in STAGES},
    "rule_novelty_wildcards_bits-made": "1 4000M 4:00:00",  # it knows no threads
}
CONFIGURATION = """\
ClusterName=genbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
PlugStackConfig={folder}/plugstack.conf
# A container gives no control groups, and no accounts are kept.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SchedulerType=sched/builtin
ReturnToService=2
SlurmdParameters=config_overrides
MinJobAge=86400
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class NoClusterError(RuntimeError):
    """The one-node SLURM cannot be started: what is missing, or what its daemon said."""


def missing() -> str:
    """What a test on SLURM lacks here, in words; empty where nothing."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if absent:
        return f"no {', '.join(absent)} on this machine; apt-get install slurm-wlm munge"
    if find_spec(PLUGIN) is None:
        return f"no {PLUGIN} in this environment; pip install -e '.[cluster]'"
    return ""


@contextmanager
def one_node(folder: Path) -> Iterator[dict[str, str]]:
    """Run munged, slurmctld and slurmd in `folder`; the environment with which their clients find them.

    Raises:
        NoClusterError: a daemon ends, or the node does not become idle in a minute.
    """
    host = socket.gethostname().partition(".")[0]
    for name in ("bin", "state", "spool"):
        (folder / name).mkdir()
    (folder / "plugstack.conf").touch()
    configuration = folder / "slurm.conf"
    controller_port, node_port = _free_ports(2)
    configuration.write_text(
        CONFIGURATION.format(
            host=host,
            folder=folder,
            controller_port=controller_port,
            node_port=node_port,
            user=_user(),
            cpus=max(4, os.cpu_count() or 1),  # stages wait for each other's start more than for a core
        )
    )
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    # The plugin takes SLURM_CONF out of the environment of its job steps.
    step = folder / "bin/srun"
    step.write_text(f'#!/bin/sh\nSLURM_CONF={configuration} exec {shutil.which("srun", path=_path())} "$@"\n')
    step.chmod(0o755)
    environment = {"PATH": os.pathsep.join([str(step.parent), _path()]), "SLURM_CONF": str(configuration)}
    commands = {
        "munged": [
            *("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket"),
            *(f"--pid-file={folder}/munged.pid", f"--seed-file={folder}/munge.seed", "--num-threads=2"),
        ],
        "slurmctld": ["slurmctld", "-D", "-i", "-f", str(configuration)],
        "slurmd": ["slurmd", "-D", "-N", host, "-f", str(configuration)],
    }
    daemons: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (folder / f"{name}.out").open("wb") as out:
                daemons[name] = subprocess.Popen(
                    command,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    start_new_session=True,
                )
            if name == "munged":
                _wait(daemons, folder, "its socket", (folder / "munge.socket").exists)
        _wait(daemons, folder, "an idle node", lambda: _states(environment) == {"idle"})
        yield environment
    finally:
        if len(daemons) == len(commands):
            _cancel(environment)
        for daemon in reversed(daemons.values()):
            _stop(daemon)


def compare(folder: Path) -> tuple[int, list[str]]:
    """Build the benchmark on SLURM and here: how many files there are, and which differ.

    Raises:
        NoClusterError: there is no SLURM to be had, or one of the builds fails.
    """
    reason = missing()
    if reason:
        raise NoClusterError(reason)
    on_slurm, here = (checkout(folder / name, BENCHMARK) for name in ("on_slurm", "here"))
    # A short path: sockets allow a hundred letters.
    with tempfile.TemporaryDirectory(prefix="slurm-") as place, one_node(Path(place)) as environment:
        began = time.monotonic()
        _build(on_slurm, "--workflow-profile", "workflow/profiles/slurm", *QUICK, **environment)
        granted = _granted(environment)
    print(f"on SLURM: {len(granted)} jobs in {time.monotonic() - began:.0f} s", flush=True)
    if granted != ASKED:
        raise NoClusterError(f"SLURM granted {granted}; expected {ASKED}")
    began = time.monotonic()
    _build(here, "--cores", "all")
    print(f"here: {time.monotonic() - began:.0f} s", flush=True)
    ours, theirs = artifacts(on_slurm), artifacts(here)
    return len(ours), sorted(
        name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)
    )


# No accounts are kept, so `sacct` knows nothing; a stage takes seconds.
QUICK = (
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "10"),
)


def _build(folder: Path, *options: str, **environment: str) -> None:
    command = ("snakemake", "--nocolor", *options)
    result = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": _path(), "PYTHONPATH": str(folder / "src"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    if result.returncode:
        logs = [
            path.read_text(errors="replace") for path in (folder / ".snakemake/slurm_logs").rglob("*.log")
        ]
        raise NoClusterError("\n".join([f"{' '.join(command)}:", result.stdout, result.stderr, *logs]))


def _granted(environment: dict[str, str]) -> dict[str, str]:
    """CPUs, memory and minutes by stage, as SLURM has granted them to the jobs that are completed."""
    lines = _ask(
        environment, "squeue", "--states=COMPLETED", "--noheader", "--format=%k %C %m %l"
    ).splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


def _states(environment: dict[str, str]) -> set[str]:
    return set(_ask(environment, "sinfo", "--noheader", "--format=%T").split())


def _ask(environment: dict[str, str], *command: str) -> str:
    try:
        result = subprocess.run(
            command,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return ""
    return result.stdout


def _wait(
    daemons: dict[str, subprocess.Popen[bytes]], folder: Path, what: str, there: Callable[[], bool]
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not there():
        for name, daemon in daemons.items():
            if daemon.poll() is not None:
                raise NoClusterError(
                    f"{name} ended with exit code {daemon.returncode}:\n{_said(folder, name)}"
                )
        if time.monotonic() > deadline:
            said = "\n".join(_said(folder, name) for name in daemons)
            raise NoClusterError(f"no {what} after {START_SECONDS} s:\n{said}")
        time.sleep(0.2)


def _said(folder: Path, name: str) -> str:
    """The last lines of a daemon, on its output and in its log."""
    lines: list[str] = []
    for path in (folder / f"{name}.out", folder / f"{name}.log"):
        if path.exists():
            lines += path.read_text(errors="replace").splitlines()[-10:]
    return "\n".join(f"  {name}: {line}" for line in lines)


def _cancel(environment: dict[str, str]) -> None:
    """What is left of the queue, and wait until it has ended: a job outlives its daemon."""
    _ask(environment, "scancel", "--full", f"--user={_user()}")
    deadline = time.monotonic() + 10
    while _ask(environment, "squeue", "--noheader") and time.monotonic() < deadline:
        time.sleep(0.2)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    """Ask the daemon to end, then make it and whatever it has started in its session."""
    if daemon.poll() is None:
        daemon.terminate()
        try:
            daemon.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), PLACES])


def main() -> None:
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("slurm: error: terminated")
    )  # daemons are stopped on the way out
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        try:
            files, differing = compare(Path(folder))
        except NoClusterError as error:
            sys.exit(f"slurm: error: {error}")
    if differing:
        sys.exit(f"slurm: error: {len(differing)} of {files} files differ: {', '.join(differing)}")
    print(f"all {files} files of data/ and results/ are the same to the bit")


if __name__ == "__main__":
    main()
