"""A small benchmark in a folder of its own, and a way to run the commands as a user does."""

import filecmp
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import forked
import pytest
from filelock import FileLock

from genbench.runtime import environment, warm

gc.disable()  # until all tests are collected: imports leave nothing to collect, and a million objects to look through
environment.fix()  # before any test loads NumPy or torch: what is computed here is what a stage computes
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes load the same packages: compiled once
os.environ["DVC_NO_ANALYTICS"] = "1"  # each of its hundreds of commands would start a process that reports it

ROOT = Path(__file__).parent.parent
SMALL = """\
device: cpu
datasets:
  digits: {source: digits, train: 1000}
  bits: {source: digits, train: 1000, threshold: 8}
extractor: {steps: 60, width: 8, features: 16, seeds: [0, 3]}
external: {}
runs:
  digits-copycat: {dataset: digits, model: controls/copycat}
  bits-made: {dataset: bits, model: autoregressive/made, hidden: 30, steps: 40, batch_size: 32, ema: 0.9}
"""
TINY = """\
device: cpu
datasets:
  bits: {source: digits, train: 1000, threshold: 8}
extractor: {steps: 20, width: 8, features: 16}
external: {}
runs:
  bits-copycat: {dataset: bits, model: controls/copycat}
"""
# Two runs of one dataset, an extractor of two seeds.
PAIR = TINY.replace("features: 16}", "features: 16, seeds: [0, 3]}") + SMALL[SMALL.index("  bits-made:") :]

DATA = ("--data", "data/bits.safetensors")
RUN = ("--run", "bits-made", *DATA, "--out", "results/runs/bits-made")
EXTRACTOR = "results/extractors/bits.safetensors"
REFERENCE = ("--reference", "results/references/bits.safetensors")
STAGES = {  # of one run, in the order of a build
    "prepare": ("prepare", "--dataset", "bits", "--out", "data/bits.safetensors"),
    "extractor": ("extractor", *DATA, "--out", EXTRACTOR),
    "reference": ("reference", *DATA, "--extractor", EXTRACTOR, "--out", REFERENCE[1]),
    "train": ("train", *RUN),
    "sample": ("sample", *RUN),
    "novelty": ("novelty", *RUN, *REFERENCE),
    "evaluate": ("evaluate", *RUN, "--extractor", EXTRACTOR, *REFERENCE),
}

Command = Callable[..., subprocess.CompletedProcess[str]]


def run_in(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` with the environment's own executables first on the path, and the folder's own code."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    own = {"PYTHONPATH": str(folder / "src")} if has_other_code(folder) else {}
    variables = {**os.environ, "PATH": path, **own, **environment}
    if forked.starts_an_engine(arguments):
        arguments = (*forked.call(arguments[0]), *arguments[1:])
    return subprocess.run(
        arguments, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=300
    )


def has_other_code(folder: Path) -> bool:
    """Whether a folder has a copy of the package that differs from what is installed.

    A copy keeps the times of its files: one of the same size and time is the same.
    """
    if not (folder / "src/genbench").is_dir():
        return False
    here = sources_in(folder)
    return here != _installed() or any(filecmp.cmpfiles(folder, ROOT, here)[1:])


def sources_in(top: Path) -> set[str]:
    found = (path for path in (top / "src/genbench").rglob("*.*") if "__pycache__" not in path.parts)
    return {path.relative_to(top).as_posix() for path in found}


@cache
def _installed() -> set[str]:
    return sources_in(ROOT)


# Byte code is copied: where a test edits a source, processes that load the copy would each compile all of the others.
# Not what is being written, nor what the package remembers of its own place.
NO_SOURCES = shutil.ignore_patterns(
    "*.egg-info", "dvc.lock", "*.pyc.*", "*.partial", "closures.json", "sources.json"
)


def checkout(folder: Path, params: str | None = None) -> Path:
    """The project's own files in a new folder, as a clone has them."""
    for name in ("examples", "src", "stages", "workflow", ".dvc/plots"):
        shutil.copytree(ROOT / name, folder / name, ignore=NO_SOURCES)
    for name in ("dvc.yaml", ".dvcignore", ".gitignore", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    if params is not None:
        (folder / "params.yaml").write_text(params)
        if "results/external" not in params:  # `dvc status` lists what nobody asked for, too
            shutil.rmtree(folder / "examples")
    if not _INITIALISED:
        assert run_in(folder, "git", "init", "-q").returncode == 0
        assert run_in(folder, "dvc", "init", "-q", "-f").returncode == 0
        _INITIALISED.append(tempfile.TemporaryDirectory(prefix="genbench-tests-"))
        for name in (".git", ".dvc"):
            shutil.copytree(folder / name, Path(_INITIALISED[0].name) / name)
    for name in (".git", ".dvc"):
        shutil.copytree(Path(_INITIALISED[0].name) / name, folder / name, dirs_exist_ok=True)
    return folder


# What `git init` and `dvc init` write, copied from the first checkout to the others.
_INITIALISED: list[tempfile.TemporaryDirectory[str]] = []


def copy_of(folder: Path, to: Path) -> Path:
    """What a test may damage; with the times of the files, by which Snakemake judges."""
    return Path(shutil.copytree(folder, to, symlinks=True))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first worker of `pytest -n 3` to ask for it makes, and all others find made."""
    top = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        top = top.parent
    folder, made = top / name, top / f"{name}.made"
    with FileLock(top / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed at it
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


# Fixtures that take many seconds.
EXPENSIVE = ("built", "by_snakemake", "trained_by_two", "up_to_date", "workspaces")


def pytest_configure(config: pytest.Config) -> None:
    """Hundreds of commands share the imports of one process; what must be cold says so.

    Workers of `pytest -n 3` find the process in their environment.
    """
    warm.start()
    warm.start(forked.SERVER, forked.ADDRESS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expensive fixtures first: `pytest -n 3` gives the first tests to one worker, which makes each of them once.

    Those of one entry of the zoo together: the worker that has fitted it is asked all about it.
    """

    def place(item: pytest.Item) -> int:
        used = getattr(item, "fixturenames", ())
        return next((i for i, name in enumerate(EXPENSIVE) if name in used), len(EXPENSIVE))

    def model(item: pytest.Item) -> str:
        of_the_zoo = "zoo" in getattr(item, "fixturenames", ()) and hasattr(item, "callspec")
        return item.callspec.params.get("name", "") if of_the_zoo else ""

    files = {path: i for i, path in enumerate(dict.fromkeys(item.path for item in items))}
    items.sort(key=lambda item: (place(item), files[item.path], model(item)))


def pytest_collection_finish() -> None:
    """What has been imported stays: no collection during the tests looks at it again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The tests run side by side; more threads than cores would wait for each other."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with a small params.yaml and nothing else."""
    (tmp_path / "params.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def genbench(small: Path) -> Command:
    """`genbench('train', '--run', …)` in the small folder."""

    def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_in(small, "genbench", *arguments, **environment)

    return command


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage of one run has been run."""
    return made_once(tmp_path_factory, "built", build)


def build(folder: Path) -> None:
    (folder / "params.yaml").write_text(SMALL)
    for arguments in STAGES.values():
        result = run_in(folder, "genbench", *arguments)
        assert result.returncode == 0, result.stderr


@pytest.fixture
def workspace(built: Path, tmp_path: Path) -> Path:
    """A copy of the built folder."""
    return copy_of(built, tmp_path / "copy")


@pytest.fixture(scope="session")
def by_snakemake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with the parameters of `PAIR` in which `snakemake` has run."""

    def make(folder: Path) -> None:
        result = run_in(checkout(folder, PAIR), "snakemake", "--cores", "2")
        assert result.returncode == 0, result.stdout + result.stderr

    return made_once(tmp_path_factory, "by_snakemake", make)
