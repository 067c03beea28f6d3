"""What a build is doing now, read from the files that it leaves: logs of Snakemake's jobs, checkpoints, outputs."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genbench.params.schema import Params, load

PAUSE = 2.0  # seconds
CLEAR = "\x1b[H\x1b[2J"  # of a terminal
FRESH = 60.0  # seconds for which a log or a checkpoint counts as somebody's work; both change every 10 to 20
TAIL = 4096  # bytes at the end of a log in which its last line lies
LINE = re.compile(
    r"(?P<label>.+): step (?P<step>\d+)/(?P<end>\d+) (?P<losses>.*?) ?(?P<speed>[\d,]+) images/s$"
)
# Stage -> what it leaves, in the order of the work.
BY_DATASET = {
    "prepare": "data/{}.safetensors",
    "extractor": "results/extractors/{}.safetensors",
    "reference": "results/references/{}.safetensors",
}
BY_RUN = {
    "train": "results/runs/{}/model.safetensors",
    "sample": "results/runs/{}/samples.npz",
    "novelty": "results/runs/{}/novelty.json",
    "evaluate": "results/runs/{}/metrics.json",
}


class Running(NamedTuple):
    """A training.  seconds_left: at its present speed, of this phase; None where only a checkpoint tells of it."""

    run: str
    phase: str
    step: int | None
    end: int | None
    losses: str
    seconds_left: float | None
    age: float  # of what is told, in seconds


class Live(NamedTuple):
    """left: stage -> how many of its outputs are missing, and of how many."""

    running: list[Running]
    working: list[str]  # other stages whose log has just changed, as stage@name
    left: dict[str, tuple[int, int]]


def watch(params: Path) -> None:
    """Prints what a build does: again every PAUSE seconds in a terminal, until Ctrl-C; once where there is none."""
    settings, terminal = load(params), sys.stdout.isatty()
    with suppress(KeyboardInterrupt):
        while True:
            said = told(look(Path(), settings, time.time()))
            print(f"{CLEAR}{said}" if terminal else said, flush=True)
            if not terminal:
                return
            time.sleep(PAUSE)


def look(root: Path, params: Params, now: float) -> Live:
    """now: seconds since 1970, as the times of files are."""
    logs = root / "results/logs"
    running = {found.run: found for found in _trainings(root, params, now)}
    working = [
        f"{log.parent.name}@{log.stem}"
        for stage in (*BY_DATASET, *BY_RUN, "import")
        if stage != "train"
        for log in sorted((logs / stage).glob("*.log"))
        if 0 <= _age(log, now) < FRESH and not log.stat().st_size and not _made(root, stage, log.stem, log)
    ]
    left = {stage: _left(root, place, list(params.datasets)) for stage, place in BY_DATASET.items()}
    for stage, place in BY_RUN.items():
        left[stage] = _left(root, place, list(params.runs if stage == "train" else params.rows))
    return Live(list(running.values()), working, left)


def told(live: Live) -> str:
    """Lines for a terminal."""
    lines = [_line(running) for running in live.running] or ["No training is running here."]
    lines += [f"working: {', '.join(live.working)}"] if live.working else []
    missing = [f"{stage} {count} of {of}" for stage, (count, of) in live.left.items() if count]
    lines.append(f"Not there yet: {', '.join(missing)}." if missing else "Every output is there.")
    return "\n".join(lines)


def _trainings(root: Path, params: Params, now: float) -> Iterator[Running]:
    for run, entry in params.runs.items():
        log, checkpoint = root / f"results/logs/train/{run}.log", root / f"results/checkpoints/{run}.pt"
        age = _age(log, now)
        last = LINE.match(_last_line(log)) if 0 <= age < FRESH else None
        if last and int(last["step"]) < int(last["end"]):
            speed = float(last["speed"].replace(",", ""))
            step, end = int(last["step"]), int(last["end"])
            left = (end - step) * entry.batch_size / speed if speed else None
            phase = last["label"].removeprefix(run).strip()
            yield Running(run, phase, step, end, last["losses"], left, age)
        elif not last and 0 <= _age(checkpoint, now) < FRESH:
            yield Running(run, "", None, None, "", None, _age(checkpoint, now))


def _line(running: Running) -> str:
    if running.step is None or running.end is None:
        return f"{running.run}: training; its last checkpoint is {running.age:.0f} s old"
    share = f"{100 * running.step / running.end:.0f} %"
    left = "" if running.seconds_left is None else f", {clock(running.seconds_left)} left"
    name = " ".join(part for part in (running.run, running.phase) if part)
    return f"{name}: step {running.step:,} of {running.end:,} ({share}){left}; {running.losses}".rstrip("; ")


def clock(seconds: float) -> str:
    """ "8 s", "2 min 5 s", "1 h 12 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
    )


def _left(root: Path, place: str, names: list[str]) -> tuple[int, int]:
    return sum(not (root / place.format(name)).is_file() for name in names), len(names)


def _made(root: Path, stage: str, name: str, log: Path) -> bool:
    """Whether the stage's output is as new as its log: then it is through."""
    place = {**BY_DATASET, **BY_RUN, "import": BY_RUN["sample"]}[stage].format(name)
    output = root / place
    return output.is_file() and output.stat().st_mtime >= log.stat().st_mtime


def _age(path: Path, now: float) -> float:
    """In seconds; infinite for what is not there."""
    try:
        return max(now - path.stat().st_mtime, 0.0)
    except OSError:
        return float("inf")


def _last_line(path: Path) -> str:
    """Of a file that may be growing; nothing for an empty one."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - TAIL, 0))
        lines = file.read().decode("utf-8", errors="replace").replace("\r", "\n").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
