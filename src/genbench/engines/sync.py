"""`genbench sync`: what one engine has built becomes known to the other, and nothing that is not proven."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from genbench.engines import dvc, entries, settled, snakemake
from genbench.engines.proofs import Hashes, Verdict, assess, doubts, receipt_of
from genbench.params.schema import validate
from genbench.params.yaml import read
from genbench.provenance import fingerprints
from genbench.provenance.receipts import Receipt, keep, param_hashes, receipts

SHOWN = 20


class Outcome(NamedTuple):
    verdicts: dict[str, Verdict]
    recorded: list[str]  # stages new to dvc.lock or the cache
    marked: list[str]  # stages new to Snakemake
    unchanged: int = 0  # how many stages were up to date at the last call, since when nothing has changed

    @property
    def ready(self) -> list[str]:
        return [name for name, verdict in self.verdicts.items() if verdict.state == "ready"]

    @property
    def rest(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts.values() if verdict.state != "ready"]


def sync(root: Path, *, dry_run: bool = False) -> Outcome:
    """Bring dvc.lock, DVC's cache and Snakemake's records into agreement with the workspace."""
    snakemake.refuse_if_busy(root)
    content = read(root / "params.yaml")
    if stages := settled.known(root, content):
        return Outcome({}, [], [], unchanged=stages)
    validate(content, Path("params.yaml"))
    params = param_hashes(content)
    fingerprints.refresh(content, root / fingerprints.FOLDER)
    entries.refresh(content, root)
    known = receipts(root)
    with dvc.project(root) as project:
        hashes = Hashes(root)
        verdicts = assess(project.stages.values(), known, params, hashes)
        recorded = [
            name
            for name, verdict in verdicts.items()
            if verdict.state == "ready" and (not verdict.stage.locked or name in project.uncached)
        ]
        if not dry_run:
            for name in project.record(recorded, known):
                verdicts[name] = verdicts[name]._replace(
                    state="stale", why="its files changed during this check"
                )
                recorded.remove(name)
            _with_receipts(root, verdicts, known, params, hashes)
        marked = _tell_snakemake(root, verdicts, dry_run=dry_run)
    outcome = Outcome(verdicts, recorded, marked)
    if not (outcome.rest or dry_run):
        settled.keep(root, content, len(verdicts))
    return outcome


def _with_receipts(
    root: Path,
    verdicts: Mapping[str, Verdict],
    known: Mapping[str, Receipt],
    params: dict[str, str],
    hashes: Hashes,
) -> None:
    """Receipts for what dvc.lock alone proves: Snakemake asks for them."""
    made = {out for verdict in verdicts.values() for out in verdict.stage.outs}
    for verdict in verdicts.values():
        stage = verdict.stage
        if verdict.state == "ready" and doubts(stage, known.get(stage.command), params, hashes):
            keep(root, receipt_of(stage, made, params, hashes))


def _tell_snakemake(root: Path, verdicts: Mapping[str, Verdict], *, dry_run: bool) -> list[str]:
    """The stages that Snakemake is told are up to date.  Those that are not it finds by their receipts."""
    plan = snakemake.plan(root)
    news = plan.pending | plan.unknown
    marked = [
        name
        for name, verdict in verdicts.items()
        if verdict.state == "ready" and not news.isdisjoint(verdict.stage.outs)
    ]
    if marked and not dry_run:
        snakemake.mark_ready(root, [out for name in marked for out in verdicts[name].stage.outs])
    return marked


def summary(outcome: Outcome, *, dry_run: bool = False) -> str:
    """What happened in words, and each stage that is left to run with the reason."""
    would = "would be " if dry_run else ""
    ready, stages = (len(found) + outcome.unchanged for found in (outcome.ready, outcome.verdicts))
    lines = [
        f"{ready} of {stages} stages are up to date;"
        f" {len(outcome.recorded)} {would}newly recorded in dvc.lock, {len(outcome.marked)} in Snakemake's records"
    ]
    states = {"stale": "not up to date", "waiting": "not up to date", "missing": "not built"}
    for verdict in outcome.rest[:SHOWN]:
        lines.append(f"  {states[verdict.state]}: {verdict.stage.name}: {verdict.why}")
    if len(outcome.rest) > SHOWN:
        lines.append(f"  … and {len(outcome.rest) - SHOWN} more")
    if outcome.rest:
        lines.append("To build them: snakemake, then genbench sync; or dvc repro")
    unseen = [
        verdict.stage.name for verdict in outcome.rest if verdict.state == "stale" and verdict.stage.locked
    ]
    if unseen:
        lines.append(f"DVC does not look at raw data: dvc repro --force --single-item {' '.join(unseen)}")
    return "\n".join(lines)
