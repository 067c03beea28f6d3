"""Peak memory of every stage on a set that is larger than the bound: 200,000 drawn faces of 64×64 pixels in RGB.

    python benchmarks/speed/memory.py                                   198,000 to train on, 2,000 held out
    python benchmarks/speed/memory.py --train 20000 --held-out 1000     a first look
    python benchmarks/speed/memory.py --images folder                   the same images as a folder of PNG files

The real commands run one after the other in a temporary folder (--keep names another): prepare, extractor, train,
sample, novelty, evaluate, report.  What is printed is the largest resident set that the system saw of each, pages of
mapped files and shared libraries among it.  Exit code 1 if one is above the bound.  Novelty compares every sample and
every held-out image with every training image, so its time grows with their product.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BOUND = 4e9  # bytes
NAME, RUN, SIZE = "set", "set-model", 64
MODELS = {"dcgan": "adversarial/dcgan", "vae": "latent/vae", "pca_gaussian": "controls/pca_gaussian"}
DRAW = """
from pathlib import Path
from PIL import Image
from genbench.data.faces import render, sample_factors
from genbench.large import slices
for part in slices({count}, 1000):
    factors = sample_factors(part.stop - part.start, seed=part.start)
    for i, image in enumerate(render(factors, size={size})):
        place = Path("images", str(factors.hair[i]))
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(place / f"{{part.start + i}}.png", compress_level=1)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=int, default=198_000)
    parser.add_argument("--held-out", type=int, default=2_000)
    parser.add_argument("--images", choices=("drawn", "folder"), default="drawn")
    parser.add_argument("--model", choices=MODELS, default="dcgan")
    parser.add_argument("--steps", type=int, default=20, help="of the model and of the classifier")
    parser.add_argument("--keep", type=Path, help="where to work, and leave what was made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = arguments.keep or Path(temporary)
        workspace.mkdir(parents=True, exist_ok=True)
        worst = measured(workspace.resolve(), arguments)
    print(f"most {worst / 1e9:.2f} GB, bound {BOUND / 1e9:.2f} GB")
    sys.exit(worst > BOUND)


def measured(workspace: Path, arguments: argparse.Namespace) -> float:
    """Runs every stage; the largest peak in bytes."""
    count = arguments.train + arguments.held_out
    if arguments.images == "folder":
        code = DRAW.format(count=count, size=SIZE)
        subprocess.run([sys.executable, "-c", code], cwd=workspace, check=True)
    (workspace / "params.yaml").write_text(json.dumps(params(arguments)))  # JSON is YAML
    place = ["--data", f"data/{NAME}.safetensors"]
    run = ["--run", RUN, *place, "--out", f"results/runs/{RUN}"]
    extractor, known = (f"results/{what}/{NAME}.safetensors" for what in ("extractors", "references"))
    commands = [
        ["prepare", "--dataset", NAME, "--out", f"data/{NAME}.safetensors"],
        ["extractor", *place, "--out", extractor],
        ["reference", *place, "--extractor", extractor, "--out", known],
        ["train", *run],
        ["sample", *run],
        ["novelty", *run, "--reference", known],
        ["evaluate", *run, "--extractor", extractor, "--reference", known],
        ["report", "--out", "results/report"],
    ]
    stored = count * 3 * SIZE**2
    print(
        f"{count:,} images ({arguments.images}), {arguments.held_out:,} of them held out; {arguments.model}"
    )
    print(f"{stored / 1e9:.2f} GB as stored, {4 * stored / 1e9:.2f} GB as float32")
    worst = 0.0
    for command in commands:
        start = time.perf_counter()
        peak = peak_of([sys.executable, "-m", "genbench.cli", *command], workspace)
        print(f"{command[0]:10} {peak / 1e9:6.2f} GB {time.perf_counter() - start:8.1f} s", flush=True)
        worst = max(worst, peak)
    return worst


def params(arguments: argparse.Namespace) -> dict[str, object]:
    """The parameters of a benchmark of one set and one run."""
    count = arguments.train + arguments.held_out
    drawn = {"source": "faces", "size": SIZE, "train": arguments.train, "held_out": arguments.held_out}
    found = {"source": "folder", "root": "images", "size": SIZE, "held_out": arguments.held_out / count}
    trained = {"steps": arguments.steps, "batch_size": 64}
    model = {"dataset": NAME, "model": MODELS[arguments.model]}
    return {
        "device": "cpu",
        "datasets": {NAME: drawn if arguments.images == "drawn" else found},
        "extractor": {"steps": arguments.steps},
        "runs": {RUN: model | ({} if "controls/" in MODELS[arguments.model] else trained)},
        "external": {},
    }


def peak_of(command: list[str], workspace: Path) -> float:
    """The largest resident set of a command in bytes.  Its failure ends the script."""
    with (workspace / "log.txt").open("a") as log:
        child = subprocess.Popen(command, cwd=workspace, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
    if code := child.returncode or os.waitstatus_to_exitcode(status):
        print((workspace / "log.txt").read_text()[-2000:], file=sys.stderr)
        sys.exit(f"{' '.join(command)}: exit code {code}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
