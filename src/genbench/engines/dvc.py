"""DVC's side: the stages with what dvc.lock says of them, and entries of dvc.lock as `dvc repro` would write them."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from genbench.engines.commands import completed
from genbench.engines.entries import key_of
from genbench.engines.proofs import Stage
from genbench.params.schema import validate
from genbench.params.yaml import read
from genbench.provenance.receipts import Receipt
from genbench.storage.files import InputError

PARAMS = "params.yaml"
CODE = "code"  # the stage that writes results/code and results/params


class Project:
    """The DVC project of one workspace, locked: no other DVC command runs meanwhile."""

    def __init__(self, repo: Any, root: Path) -> None:
        from dvc.repo.reproduce import get_active_graph, plan_repro

        self.root = root
        self._settings = validate(read(root / PARAMS), root / PARAMS)
        graph = get_active_graph(repo.index.graph)
        # The order of `dvc repro`: dvc.lock lists new stages in the order in which they were run.
        # What the top-level dvc.yaml does not need, Snakemake does not build either.
        top = root.resolve() / "dvc.yaml"
        goals = [stage for stage in repo.index.stages if Path(stage.path) == top]
        order = [stage for stage in plan_repro(graph, goals) if stage.cmd and hasattr(stage, "name")]
        self._own = {stage.addressing: stage for stage in order}
        # The stage that writes down what code and parameters the others depend on has no part in the proofs: `sync` has
        # just done its work, so that it is always as it should be.
        self._code = self._own.pop(CODE, None)
        self.stages = {
            name: self._described(stage, [up.addressing for up in graph.successors(stage)])
            for name, stage in self._own.items()
        }
        self.uncached = {
            name
            for name, stage in self._own.items()
            if self.stages[name].locked and any(out.use_cache and out.changed_cache() for out in stage.outs)
        }

    def _described(self, stage: Any, upstream: list[str]) -> Stage:
        from dvc.dependency import ParamsDependency

        files: list[str] = []
        folders: list[str] = []
        params: list[str] = []
        for dependency in stage.deps:
            place = self._place(dependency)
            if isinstance(dependency, ParamsDependency):  # of a stage that somebody has added
                params += list(dependency.params)
            elif key := key_of(place):
                params.append(key)
            else:
                (folders if Path(dependency.fs_path).is_dir() else files).append(place)
        return Stage(
            name=stage.addressing,
            command=self._command(stage),
            files=tuple(files),
            folders=tuple(folders),
            params=tuple(params),
            outs=tuple(self._place(out) for out in stage.outs),
            upstream=tuple(name for name in upstream if name in self._own),
            locked=not stage.changed_stage()
            and not any(dependency.workspace_status() for dependency in stage.deps)
            and not any(out.workspace_status() for out in stage.outs),
        )

    def _command(self, stage: Any) -> str:
        """As its receipt names it, with what dvc.yaml leaves to DVC_STAGE."""
        program, _, rest = " ".join(stage.cmd.split()).partition(" ")
        return f"{program} {completed(rest, stage.addressing, self._settings)}"

    def _place(self, entry: Any) -> str:
        return Path(os.path.relpath(entry.fs_path, self.root)).as_posix()

    def record(self, names: list[str], receipts: Mapping[str, Receipt]) -> list[str]:
        """Write these stages to dvc.lock and their outputs to the cache; the names of those that changed meanwhile."""
        changed = []
        saved = []
        if self._code is not None and self._code.status():
            self._code.save(run_cache=False)
            self._code.commit()
            saved.append(self._code)
        for name in names:
            stage = self._own[name]
            proof = self._proof(name, receipts)
            stage.save(run_cache=False)  # hashes everything again, in memory
            if any(proof.get(path, value) != value for path, value in self._found(stage).items()):
                changed.append(name)
                continue
            stage.commit()
            stage.repo.stage_cache.save(stage)
            saved.append(stage)
        by_file = sorted(saved, key=lambda each: each.dvcfile.path)
        for _, group in groupby(by_file, lambda each: each.dvcfile.path):
            of_file = list(group)
            of_file[0].dvcfile.dump_stages(of_file, update_pipeline=False)
        return changed

    def _proof(self, name: str, receipts: Mapping[str, Receipt]) -> dict[str, str]:
        """What proved a stage: dvc.lock, where only the cache lacks its outputs, or else its receipt."""
        if name in self.uncached:
            return self._found(self._own[name])
        receipt = receipts[self.stages[name].command]
        return receipt.read | receipt.written

    def _found(self, stage: Any) -> dict[str, str]:
        """The hashes that DVC holds in memory for the files of a stage."""
        from dvc.dependency import ParamsDependency

        entries = [entry for entry in (*stage.deps, *stage.outs) if not isinstance(entry, ParamsDependency)]
        return {self._place(entry): entry.hash_info.value for entry in entries}


def _how_to_mend(said: str) -> str:
    lock = re.search(r"'(?:\./)?([^']*dvc\.lock)'", said)
    if not lock:
        busy = re.search(r"RWLock-file '(?:\./)?([^']+)'", said)
        return f"; expected no such file while no DVC command runs: remove {busy[1]}" if busy else ""
    return (
        f"; expected {lock[1]} as DVC wrote it: take it back from git (git checkout {lock[1]}), "
        "or remove it, and run genbench sync"
    )


@contextmanager
def project(root: Path) -> Iterator[Project]:
    """The DVC project at `root`.

    Raises:
        InputError: there is none, or another DVC command is running.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import lock_repo

    if not (root / ".dvc").is_dir() or not (root / "dvc.yaml").exists():
        raise InputError(
            f"{root}: no DVC project; expected a folder with dvc.yaml and .dvc, e.g. a clone of genbench"
        )
    logging.getLogger("dvc").setLevel(logging.ERROR)
    try:
        repo = _repo(root)
        try:
            with lock_repo(repo), repo.scm_context(quiet=True):
                yield Project(repo, root)
        finally:
            repo.close()
    except LockError as error:
        raise InputError(
            "DVC is busy: another of its commands runs in this workspace; try again after it"
        ) from error
    except DvcException as error:
        raise InputError(f"DVC: {_reasons(error)}{_how_to_mend(str(error))}") from error
    except sqlite3.Error as error:
        raise InputError(
            f"DVC: its database cannot be written: {error}; expected room on its disk"
        ) from error


def _repo(root: Path) -> Any:
    """As DVC sees it; in a tree without git, e.g. from an archive, it does all but compare revisions."""
    from dvc.repo import Repo
    from dvc.scm import SCMError

    try:
        return Repo(str(root))
    except SCMError:
        return Repo(str(root), config={"core": {"no_scm": True}})


def _reasons(error: BaseException | None) -> str:
    """What DVC says, with what it was caused by, in one line."""
    found: list[str] = []
    while error is not None:
        said = " ".join(str(error).split())
        if said and not any(said in earlier for earlier in found):
            found.append(said)
        error = error.__cause__
    return ": ".join(found)
