"""What a stage costs beyond its work: every command on a benchmark with next to none, beside `import torch`, same run.

    python benchmarks/speed/startup.py                   three rounds of each, some minutes
    python benchmarks/speed/startup.py --rounds 5 --only train sample

The benchmark has 100 held-out digits, one training step and one extractor, so that what is measured is an upper bound
of the start-up: imports, parameters checked, files read and written, and that little work.  Processor time of the whole
process, the median over rounds in which all take turns; what else runs on the machine does not count.  One run of each
that is not timed lists what it imports.  Exit code 1 if a command costs more than `import torch`, 0.5 s and its work,
or imports what it must not.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

BOUND = 0.5  # seconds above a bare `import torch`
LISTED = (
    "torch",
    "torch._dynamo",
    "torchvision",
    "scipy",
    "scipy.stats",
    "sklearn",
    "pandas",
    "matplotlib",
    "PIL",
)
NEVER = {"torch._dynamo", "torchvision", "matplotlib"}
PARAMS = """\
device: cpu
datasets:
  digits: {source: digits, train: 1697}
extractor: {steps: 1, width: 8, features: 16, seeds: [0]}
external:
  digits-mine: {dataset: digits, samples: results/runs/digits-copycat/samples.npz}
runs:
  digits-copycat: {dataset: digits, model: controls/copycat}
  digits-made: {dataset: digits, model: autoregressive/made, hidden: 8, steps: 1, batch_size: 8}
"""
DATA = ("--data", "data/digits.safetensors")
EXTRACTOR = "results/extractors/digits.safetensors"
REFERENCE = ("--reference", "results/references/digits.safetensors")


class Command(NamedTuple):
    """work: seconds that even this little benchmark computes, beside start-up."""

    arguments: tuple[str, ...]
    needs_torch: bool
    work: float = 0.0


def of_run(stage: str, run: str, *more: str) -> tuple[str, ...]:
    return (stage, "--run", run, *DATA, "--out", f"results/runs/{run}", *more)


COMMANDS = {
    "prepare": Command(("prepare", "--dataset", "digits", "--out", "data/digits.safetensors"), False),
    "extractor": Command(("extractor", *DATA, "--out", EXTRACTOR), True),
    "reference": Command(
        ("reference", *DATA, "--extractor", EXTRACTOR, "--out", REFERENCE[1]), True, work=1.0
    ),  # features of 1,697 images, clusters of pixels
    "train (control)": Command(of_run("train", "digits-copycat"), True),
    "train": Command(of_run("train", "digits-made"), True),
    "sample (control)": Command(of_run("sample", "digits-copycat"), True),
    "sample": Command(of_run("sample", "digits-made"), True),
    "novelty (control)": Command(of_run("novelty", "digits-copycat", *REFERENCE), False),
    "novelty": Command(of_run("novelty", "digits-made", *REFERENCE), False),
    "evaluate (control)": Command(
        of_run("evaluate", "digits-copycat", "--extractor", EXTRACTOR, *REFERENCE), True
    ),
    "evaluate": Command(of_run("evaluate", "digits-made", "--extractor", EXTRACTOR, *REFERENCE), True),
    "import": Command(of_run("import", "digits-mine"), False),
    "novelty (import)": Command(of_run("novelty", "digits-mine", *REFERENCE), False),
    "evaluate (import)": Command(
        of_run("evaluate", "digits-mine", "--extractor", EXTRACTOR, *REFERENCE), True
    ),
    "report": Command(("report", "--out", "results/report"), False, work=2.0),  # draws some forty pictures
    "show": Command(("show",), False),
    "check": Command(("check",), False),
    "sync --help": Command(("sync", "--help"), False),
    "verify --help": Command(("verify", "--help"), False),
}


def processor_seconds(folder: Path, *arguments: str) -> float:
    """User and system time of one Python process and its children."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    after = os.times()
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return after.children_user + after.children_system - before.children_user - before.children_system


def imported(folder: Path, arguments: tuple[str, ...]) -> set[str]:
    """Of the modules in LISTED those that a command imports."""
    line = [sys.executable, "-X", "importtime", "-m", "genbench.cli", *arguments]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}\n{done.stderr[-500:]}")
    return set(LISTED) & set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, flags=re.M))


def faults(command: Command, modules: set[str], above: float) -> list[str]:
    unwanted = modules & (NEVER if command.needs_torch else NEVER | {"torch"})
    found = [f"imports {', '.join(sorted(unwanted))}"] if unwanted else []
    return found + (
        [f"more than {BOUND + command.work:.1f} s above import torch"] if above > BOUND + command.work else []
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    arguments = parser.parse_args()
    bare = {"python": ("-c", "pass"), "import torch": ("-c", "import torch")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "params.yaml").write_text(PARAMS)
        modules = {  # all of them, in this order: each needs what those before it wrote
            key: imported(folder, command.arguments) for key, command in COMMANDS.items()
        }
        lines = bare | {key: ("-m", "genbench.cli", *COMMANDS[key].arguments) for key in arguments.only}
        seconds: dict[str, list[float]] = {key: [] for key in lines}
        for _ in range(arguments.rounds):
            for key, line in lines.items():
                seconds[key].append(processor_seconds(folder, *line))
    torch = median(seconds["import torch"])
    print(f"processor seconds, medians of {arguments.rounds} (least to most)")
    broken = False
    for key, found in seconds.items():
        own = median(found)
        spread = f"{own:5.2f} ({min(found):.2f} to {max(found):.2f})"
        if key in bare:
            print(f"{key:20} {spread}")
            continue
        wrong = faults(COMMANDS[key], modules[key], own - torch)
        broken = broken or bool(wrong)
        names = ", ".join(module for module in LISTED if module in modules[key])
        print(
            f"{key:20} {spread}  {own - torch:+5.2f} s  {names or '-'}{''.join('  ✗ ' + it for it in wrong)}"
        )
    sys.exit(broken)


if __name__ == "__main__":
    main()
