"""`genbench verify`: is every file what its stage makes again?  And are the scores those of another revision?"""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from genbench.engines import dvc
from genbench.engines.proofs import Hashes, Stage, doubts
from genbench.params.schema import load
from genbench.params.yaml import read
from genbench.provenance.receipts import Receipt, param_hashes, receipts
from genbench.runtime import warm
from genbench.storage.files import InputError

Engine = Literal["dvc", "snakemake"]


class Finding(NamedTuple):
    """A file that was not rebuilt to the bit."""

    stage: str
    file: str
    how: str


class Rebuilt(NamedTuple):
    engine: Engine
    stages: int
    files: int
    absent: list[str]  # what the build did not make: it says nothing of these
    failed: str  # why the build failed, "" where it did not
    findings: list[Finding]  # in the order of the graph: the first one is the cause, or the one to look at
    hint: str  # what the workspace's own records say of the first


def verify(root: Path, targets: list[str], *, engine: Engine | None = None) -> Rebuilt:
    """Run the targets and all they need again, in a clean copy elsewhere, and compare every byte."""
    with dvc.project(root) as project:
        stages = project.stages
    chosen = _chosen(stages, targets)
    known = receipts(root)
    engine = engine or _other(known, stages, chosen)
    with tempfile.TemporaryDirectory(prefix="genbench-verify-") as folder:
        copy = Path(folder) / "a copy of it"
        _copy(root, copy)
        failed = _build(copy, engine, [stages[name] for name in chosen])
        outs = [(name, out) for name in chosen for out in stages[name].outs]
        absent = [out for _, out in outs if not (copy / out).is_file()]
        findings = [
            Finding(name, out, how)
            for name, out in outs
            if out not in absent and (how := _compare(root / out, copy / out))
        ]
    hint = ""
    if findings:
        stage = stages[findings[0].stage]
        params = param_hashes(read(root / "params.yaml"))
        hint = "" if stage.locked else doubts(stage, known.get(stage.command), params, Hashes(root))
    return Rebuilt(engine, len(chosen), len(outs), absent, failed, findings, hint)


def _chosen(stages: Mapping[str, Stage], targets: list[str]) -> list[str]:
    """The stages that the targets name, by stage, file or run, with all that they need, in the order of the graph."""
    if not targets:
        return list(stages)
    wanted: set[str] = set()
    for target in targets:
        found = {
            name
            for name, stage in stages.items()
            if target in (name, name.rpartition(":")[2], *stage.outs) or name.endswith(f"@{target}")
        }
        if not found:
            raise InputError(
                f"{target}: no stage, file or run of that name; expected e.g. evaluate@digits-vae, digits-vae or a file"
            )
        wanted |= found
    for name in reversed(list(stages)):  # what is upstream stands before what needs it
        if name in wanted:
            wanted |= set(stages[name].upstream)
    return [name for name in stages if name in wanted]


def _other(known: Mapping[str, Receipt], stages: Mapping[str, Stage], chosen: Iterable[str]) -> Engine:
    """The engine that did not build most of the stages."""
    by = [known[stages[name].command].engine for name in chosen if stages[name].command in known]
    return "snakemake" if 2 * by.count("dvc") >= len(by) else "dvc"


def _copy(root: Path, copy: Path) -> None:
    """What a clone of the workspace would hold, uncommitted edits too, and links to raw data.

    Raises:
        InputError: git cannot list the files, or there is no room for them.
    """
    without = shutil.ignore_patterns("__pycache__", "*.egg-info", "dvc.lock")
    try:
        for name in _own_files(root):
            source, place = root / name, copy / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():  # a link to a folder
                shutil.copytree(source, place, ignore=without)
            elif source.is_file() and source.name != "dvc.lock":
                shutil.copy(source, place)
    except OSError as error:
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror  # of many, the first
        raise InputError(
            f"{copy.parent}: cannot hold a copy of the workspace: {why}; "
            "expected room for one and its results there, or in the folder that TMPDIR names"
        ) from error
    options = [dataset.model_extra or {} for dataset in load(root / "params.yaml").datasets.values()]
    for raw in {"data/raw", *(str(each["root"]) for each in options if "root" in each)}:
        if (root / raw).is_dir() and not (copy / raw).exists():
            (copy / raw).parent.mkdir(parents=True, exist_ok=True)
            (copy / raw).symlink_to((root / raw).resolve())


def _own_files(root: Path) -> list[str]:
    """What git knows or would add; where the tree is in no repository, by its .gitignore."""
    listing = ("ls-files", "--others", "--exclude-standard", "-z")
    try:
        said = _git(root, *listing, "--cached")
    except InputError:
        said = ""
    if not said:  # no repository, or one that ignores the tree as a whole
        with tempfile.TemporaryDirectory(prefix="genbench-git-") as folder:
            _git(root, "init", "--quiet", folder)
            said = _git(root, f"--git-dir={folder}/.git", f"--work-tree={root}", *listing)
    return [name for name in said.split("\0") if name]


def _git(root: Path, *arguments: str) -> str:
    try:
        result = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise InputError("git: not found; expected it, to copy the workspace as a clone would be") from error
    if result.returncode:
        raise InputError(f"{root}: git: {' '.join(result.stderr.split())}")
    return result.stdout


def _build(copy: Path, engine: Engine, stages: list[Stage]) -> str:
    """Why it failed, or "": what is then missing was not built, and is no difference."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "SNAKEMAKE_"))
    }
    environment |= {
        "PATH": path,
        "PYTHONPATH": str(copy / "src"),
        warm.VARIABLE: "",  # every stage in a process of its own
        "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1",
    }
    outs = [out for stage in stages for out in stage.outs]
    commands = {
        "dvc": ["dvc", "repro", "--keep-going", *(stage.name for stage in stages)],
        "snakemake": ["snakemake", "--keep-going", "--cores", "all", *outs],
    }
    _git(copy, "init", "--quiet")
    with subprocess.Popen(
        commands[engine],
        cwd=copy,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as build:
        said = []
        for line in build.stdout or ():
            sys.stderr.write(line)
            said.append(line.strip())
    return _reason(said) or f"exit code {build.returncode}" if build.returncode else ""


def _reason(said: Sequence[str]) -> str:
    """The first error of a build in what it said, that of a stage before that of its engine."""
    for mark in (
        r"genbench: error: (.*)",
        r"(.*No space left on device.*)",
        r"(.*(?:Error|ERROR).*)",
        r"(.+)",
    ):
        for line in said:
            if found := re.match(mark, line):
                return found[1]
    return ""


def _compare(here: Path, rebuilt: Path) -> str:
    from genbench.engines.differences import difference

    if not here.is_file():
        return "is not here"
    if filecmp.cmp(here, rebuilt, shallow=False):
        return ""
    return difference(here, here.read_bytes(), rebuilt.read_bytes())


class Comparison(NamedTuple):
    runs: int
    scores: int
    outside: list[str]  # in words


def against(root: Path, revision: str, *, tolerance: float | None = None) -> Comparison:
    """The scores here and those of another revision.

    Two values agree if they lie no further apart than the half-width of that revision's own 95 % interval, or, where
    `tolerance` is given, than so much of the larger of the two.
    """
    runs = scores = 0
    outside: list[str] = []
    theirs = _metrics_of(root, revision, list(load(root / "params.yaml").runs))
    for run, then in theirs.items():
        path = root / "results/runs" / run / "metrics.json"
        now = json.loads(path.read_bytes())["scores"] if path.is_file() else {}
        if not now or not then:
            outside.append(f"{run}: no scores {'at ' + revision if now else 'here'}")
            continue
        runs += 1
        outside += [f"{run}: {name}: on one side only" for name in sorted(now.keys() ^ then.keys())]
        for name in (name for name in now if name in then):
            a, b = float(now[name]["value"]), float(then[name]["value"])
            interval = (float(then[name]["high"]) - float(then[name]["low"])) / 2
            allowed = interval if tolerance is None else tolerance * max(abs(a), abs(b))
            scores += 1
            if not abs(a - b) <= allowed:
                outside.append(f"{run}: {name}: {a:.6g} here, {b:.6g} at {revision}; allowed ±{allowed:.3g}")
    return Comparison(runs, scores, outside)


def _metrics_of(root: Path, revision: str, runs: list[str]) -> dict[str, dict[str, Any]]:
    """Scores by run, as DVC knows them at a revision: from its cache or remote."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        _git(root, "rev-parse", "--git-dir")
    except InputError as error:
        raise InputError(f"{root}: in no git repository; --against reads {revision} from one") from error
    found: dict[str, dict[str, Any]] = {}
    try:
        files = DVCFileSystem(str(root), rev=revision)
        for run in runs:
            path = f"results/runs/{run}/metrics.json"
            found[run] = json.loads(files.read_bytes(path))["scores"] if files.exists(path) else {}
    except (DvcException, SCMError, OSError) as error:
        raise InputError(
            f"{revision}: cannot read its scores: {error}; expected a revision whose results DVC holds"
        ) from error
    return found


def say_rebuilt(root: Path, targets: list[str], *, engine: Engine | None) -> bool:
    """`verify`, told in words; whether every file is the same."""
    result = verify(root, targets, engine=engine)
    built = f"{result.files} files of {result.stages} stages, rebuilt with {result.engine} in a clean copy"
    if result.absent or result.failed:
        print(f"the build failed: {len(result.absent)} of {built}, were not made: {result.failed}")
    if not result.findings:
        if not result.absent and not result.failed:
            print(f"bit-identical: {built}")
        return not result.absent and not result.failed
    first = result.findings[0]
    print(f"NOT bit-identical: {len(result.findings)} of {built}")
    print(f"first: stage {first.stage}, {first.file}: {first.how}")
    unexplained = "the records here show no reason: same code, parameters, inputs"
    print(f"here: {result.hint}" if result.hint else unexplained)
    return False


def say_against(root: Path, revision: str, *, tolerance: float | None) -> bool:
    """`against`, told in words; whether all scores agree."""
    found = against(root, revision, tolerance=tolerance)
    summary = f"{found.scores} scores of {found.runs} runs compared with {revision}"
    print("\n".join([*found.outside, summary]))
    print(f"{len(found.outside)} disagree" if found.outside else "all agree")
    return not found.outside
