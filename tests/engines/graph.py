"""The two descriptions of one DAG, read into the same form."""

import re
from pathlib import Path
from typing import NamedTuple

from conftest import run_in

from genbench.engines.commands import completed
from genbench.engines.entries import key_of
from genbench.params.schema import load


class Stage(NamedTuple):
    """What one stage runs, reads and writes; directories stand as the files in them."""

    command: str
    inputs: frozenset[str]
    outputs: frozenset[str]


CODE = "results/code"
Graph = dict[str, Stage]  # by first output in order


def files_under(folder: Path, place: str) -> set[str]:
    """The source files under a directory, as DVC sees them (.dvcignore leaves byte code out)."""
    found = (folder / place).rglob("*")
    return {
        path.relative_to(folder).as_posix()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


def dvc_graph(folder: Path, *, code: bool = True) -> Graph:
    """What `dvc repro` runs, its parameter files left out: Snakemake lists parameters elsewhere.

    code: results/code is brought up to date first.
    """
    from dvc.repo import Repo
    from dvc.repo.reproduce import get_active_graph, plan_repro

    if code:
        assert run_in(folder, "genbench", "code").returncode == 0  # what DVC's first stage does
    repo, params = Repo(str(folder)), load(folder / "params.yaml")
    top = folder.resolve() / "dvc.yaml"
    goals = [stage for stage in repo.index.stages if Path(stage.path) == top]
    stages = plan_repro(get_active_graph(repo.index.graph), goals)
    below: dict[str, set[str]] = {}  # of each folder the outputs in it
    for out in (str(out) for stage in stages for out in stage.outs):
        for above in Path(out).parents:
            below.setdefault(above.as_posix(), set()).add(out)
    graph: Graph = {}
    for stage in stages:
        inputs: set[str] = set()
        for dependency in map(str, stage.deps):
            if dependency == "params.yaml" or key_of(dependency):
                continue
            if dependency in below:
                inputs |= below[dependency]
            elif (folder / dependency).is_dir():
                inputs |= files_under(folder, dependency)
            else:
                inputs.add(dependency)
        outs = frozenset(str(out) for out in stage.outs)
        if CODE in outs:  # Snakemake does this while it reads the Snakefile
            continue
        program, _, rest = " ".join(stage.cmd.split()).partition(" ")
        command = f"{program} {completed(rest, stage.addressing, params)}"
        graph[min(outs)] = Stage(command, frozenset(inputs), outs)
    return graph


def snakemake_graph(folder: Path, *arguments: str) -> Graph:
    """The jobs of a forced dry run; where standard error goes is the engine's own business."""
    result = run_in(folder, "snakemake", "-n", "-p", "--forceall", "--nocolor", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    graph: Graph = {}
    for block in re.split(r"\n(?=(?:local)?rule )", result.stdout):
        fields = dict(re.findall(r"^ +(input|output): (.*)$", block, flags=re.M))
        command = re.search(r"^Shell command: (.*)$", block, flags=re.M)
        if not command or "output" not in fields:  # the target rule runs nothing
            continue
        outs = frozenset(out.removesuffix(" (update)") for out in fields["output"].split(", "))
        line = re.sub(r" 2> \S+$", "", " ".join(command.group(1).split()))
        graph[min(outs)] = Stage(line, frozenset(fields["input"].split(", ")), outs)
    return graph


def differences(one: Graph, other: Graph) -> list[str]:
    """Every disagreement in words, none for equal graphs."""
    found = [f"{key}: only on one side" for key in sorted(one.keys() ^ other.keys())]
    for key in sorted(one.keys() & other.keys()):
        for field, a, b in zip(Stage._fields, one[key], other[key], strict=True):
            if a != b:
                odd = sorted(a ^ b) if isinstance(a, frozenset) else [a, b]
                found.append(f"{key}: {field} differ: {odd}")
    return found
