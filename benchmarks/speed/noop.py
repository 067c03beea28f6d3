"""What a build costs in which nothing is to be done, over 150 stages: DVC, Snakemake and `genbench sync`, same run.

    python benchmarks/speed/noop.py                      a minute or two
    python benchmarks/speed/noop.py --runs 62 200        251 and 803 stages: how the cost grows

The stages are the repository's own, in a temporary copy.  One run, a control on digits, is built; the others differ
from it in their seed alone and get copies of its files: what they hold is nothing to a build that does nothing.  Then
`dvc commit` records them, and `genbench sync` tells Snakemake.  "sync, asked anew" has forgotten that it found all of
it in agreement.  Processor time, medians; what else runs on the machine does not count.  Exit code 1 if DVC redoes a
stage, or if `dvc repro` over 150 stages or `genbench sync` takes more than 5 s.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
BOUND = 5.0
COPIED = ("dvc.yaml", "stages", "workflow", "src", ".dvcignore", ".dvc/config", ".dvc/plots")
STAGES = ("train", "sample", "novelty")  # they stand in files of their own
STAGES_A_RUN, OTHER_STAGES = 4, 4  # train, sample, novelty, evaluate; prepare, extractor, reference, report
HEAD = """\
device: cpu
datasets:
  digits: {source: digits, train: 1697}
extractor: {steps: 1, width: 4, features: 8, seeds: [0]}
external: {}
runs:"""


def workspace(folder: Path, runs: int) -> None:
    """The repository's graph in `folder`, over so many runs of a control."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns("__pycache__", "dvc.lock", "*.egg-info")
            )
        else:
            shutil.copy(source, target)
    run(folder, "git", "init", "--quiet")
    names = [f"digits-copycat-s{seed}" for seed in range(runs)]
    write_params(folder, names[:1])
    run(folder, "snakemake", "--cores", "1")
    write_params(folder, names)
    for copy in names[1:]:
        shutil.copytree(folder / "results/runs" / names[0], folder / "results/runs" / copy)
    shutil.rmtree(folder / "results/receipts")  # they prove the stages of one run
    run(folder, "genbench", "code")  # DVC's own stage, which Snakemake has no need of
    run(folder, "genbench", "report", "--out", "results/report")  # of all runs
    run(
        folder,
        "dvc",
        "commit",
        "--force",
        "--quiet",
        "dvc.yaml",
        *(f"stages/{name}/dvc.yaml" for name in STAGES),
    )
    run(folder, "genbench", "sync", "--strict")


def write_params(folder: Path, names: list[str]) -> None:
    """Controls that differ in their seed."""
    lines = [
        f"  {name}: {{dataset: digits, model: controls/copycat, seed: {seed}}}"
        for seed, name in enumerate(names)
    ]
    (folder / "params.yaml").write_text("\n".join([HEAD, *lines, ""]))


def run(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Processor and wall seconds of a command, and what it said."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / "src"), "DVC_NO_ANALYTICS": "1"}
    before, began = os.times(), time.perf_counter()
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    after, ended = os.times(), time.perf_counter()
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, ended - began, done.stdout + done.stderr


COMMANDS = {
    "dvc repro": ("dvc", "repro"),
    "dvc status": ("dvc", "status"),
    "snakemake -n": ("snakemake", "-n"),
    "sync": ("genbench", "sync", "--strict"),
    "sync, asked anew": ("genbench", "sync", "--strict"),
}


def measured(runs: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Processor and wall seconds of each command."""
    seconds: dict[str, list[tuple[float, float]]] = {key: [] for key in COMMANDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace(folder, runs)
        time.sleep(2)  # files that have just been written may be written again unseen
        run(folder, *COMMANDS["sync"])
        for _ in range(rounds):
            for key, command in COMMANDS.items():
                if key.endswith("anew"):
                    (folder / "results/receipts/synced.json").unlink()
                spent, wall, said = run(folder, *command)
                seconds[key].append((spent, wall))
                if redone := re.findall(r"Running stage '(.+)'", said):
                    sys.exit(f"{key}: ran {len(redone)} stages, the first {redone[0]}; expected none")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--runs", type=int, nargs="+", default=[37], help="four stages each, and three besides"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    slow = False
    for runs in arguments.runs:
        stages = STAGES_A_RUN * runs + OTHER_STAGES
        print(f"nothing to do at {stages} stages, medians of {arguments.rounds} (least to most)")
        for key, found in measured(runs, arguments.rounds).items():
            spent, wall = [one for one, _ in found], [one for _, one in found]
            print(
                f"{key:16} {median(spent):6.2f} s of processor time ({min(spent):.2f} to {max(spent):.2f}),"
                f" {median(wall):.2f} s in all"
            )
            bounded = key == "sync" or (key == "dvc repro" and runs <= parser.get_default("runs")[0])
            slow |= bounded and median(spent) > BOUND
    sys.exit(slow)


if __name__ == "__main__":
    main()
