"""Peak memory and time of every stage on large sets: by default 200,000 drawn faces of 64×64 pixels in RGB.

    python benchmarks/speed/memory.py                                   198,000 to train on, 2,000 held out
    python benchmarks/speed/memory.py --train 20000 --held-out 1000     a first look
    python benchmarks/speed/memory.py --images folder                   the same images as a folder of PNG files
    python benchmarks/speed/memory.py --size 32 --train 10000 --held-out 1667 --samples 1000 10000
                                                                        growing numbers of samples, 32×32×3
    … --images folder --grey --size 28 --train 60000 --held-out 10000 --samples 1000 10000 50000

The real commands run one after the other in a temporary folder (--keep names another): prepare, extractor, reference,
train, sample, novelty, evaluate, report.  With --samples there is no model: other faces are imported, and novelty and
evaluate run on them.  What is printed is the largest resident set that the system saw of each, pages of mapped files
and shared libraries among it, and seconds.  Exit code 1 if one is above the bound.  Novelty compares every sample with
every training image, the reference every held-out one: their time grows with the product.
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
NAME, RUN = "set", "set-model"
MODELS = {"dcgan": "adversarial/dcgan", "vae": "latent/vae", "pca_gaussian": "controls/pca_gaussian"}
DRAW = """
from pathlib import Path
from PIL import Image
from genbench.data.sources.faces import render, sample_factors
for start in range(0, {count}, 1000):
    factors = sample_factors(min(1000, {count} - start), seed=start)
    for i, image in enumerate(render(factors, size={size})):
        place = Path("images", str(factors.hair[i]))
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(place / f"{{start + i}}.png", compress_level=1)
"""
# Other faces, as an archive; grey as PIL has it, 0.299 R + 0.587 G + 0.114 B.
SAMPLES = """
import numpy as np
from genbench.data.sources.faces import render, sample_factors
x = render(sample_factors({count}, seed=10**6), size={size})
if {grey}:
    x = np.rint(np.einsum("ncij,c->nij", x, [0.299, 0.587, 0.114]))[:, None].astype(np.uint8)
np.savez("samples-{count}.npz", x=x)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=int, default=198_000)
    parser.add_argument("--held-out", type=int, default=2_000)
    parser.add_argument("--images", choices=("drawn", "folder"), default="drawn")
    parser.add_argument("--size", type=int, default=64, help="of a side, in pixels")
    parser.add_argument("--grey", action="store_true", help="one channel; with --images folder")
    parser.add_argument("--samples", type=int, nargs="+", default=[], help="numbers of imported samples")
    parser.add_argument("--model", choices=MODELS, default="dcgan")
    parser.add_argument("--steps", type=int, default=20, help="of the model and of the classifier")
    parser.add_argument("--keep", type=Path, help="where to work, and leave what was made")
    arguments = parser.parse_args()
    if arguments.grey and arguments.images != "folder":
        parser.error("--grey: expected --images folder")
    with tempfile.TemporaryDirectory() as temporary:
        workspace = arguments.keep or Path(temporary)
        workspace.mkdir(parents=True, exist_ok=True)
        worst = measured(workspace.resolve(), arguments)
    print(f"most {worst / 1e9:.2f} GB, bound {BOUND / 1e9:.2f} GB")
    sys.exit(worst > BOUND)


def measured(workspace: Path, arguments: argparse.Namespace) -> float:
    """Runs every stage; the largest peak in bytes."""
    count, size, channels = arguments.train + arguments.held_out, arguments.size, 1 if arguments.grey else 3
    if arguments.images == "folder":
        code = DRAW.format(count=count, size=size)
        subprocess.run([sys.executable, "-c", code], cwd=workspace, check=True)
    for samples in arguments.samples:
        code = SAMPLES.format(count=samples, size=size, grey=arguments.grey)
        subprocess.run([sys.executable, "-c", code], cwd=workspace, check=True)
    (workspace / "params.yaml").write_text(json.dumps(params(arguments)))  # JSON is YAML
    place = ["--data", f"data/{NAME}.safetensors"]
    extractor, known = (f"results/{what}/{NAME}.safetensors" for what in ("extractors", "references"))
    commands = [
        ["prepare", "--dataset", NAME, "--out", f"data/{NAME}.safetensors"],
        ["extractor", *place, "--out", extractor],
        ["reference", *place, "--extractor", extractor, "--out", known],
    ]
    rows = [f"set-{samples}" for samples in arguments.samples]
    for row in rows or [RUN]:
        run = ["--run", row, *place, "--out", f"results/runs/{row}"]
        made = [["import", *run]] if rows else [["train", *run], ["sample", *run]]
        scored = ["evaluate", *run, "--extractor", extractor, "--reference", known]
        commands += [*made, ["novelty", *run, "--reference", known], scored]
    if not rows:
        commands.append(["report", "--out", "results/report"])
    stored = count * channels * size**2
    print(
        f"{count:,} images ({arguments.images}) of {size}×{size}×{channels}, {arguments.held_out:,} of them held out; "
        + (f"{', '.join(f'{n:,}' for n in arguments.samples)} samples" if rows else arguments.model)
    )
    print(f"{stored / 1e9:.2f} GB as stored, {4 * stored / 1e9:.2f} GB as float32")
    worst = 0.0
    for command in commands:
        start = time.perf_counter()
        peak, busy = peak_of([sys.executable, "-m", "genbench.cli", *command], workspace)
        wall, row = time.perf_counter() - start, command[2] if command[1] == "--run" else ""
        print(
            f"{command[0]:10} {row:11} {peak / 1e9:6.2f} GB {wall:8.1f} s, {busy:8.1f} of the processor",
            flush=True,
        )
        worst = max(worst, peak)
    return worst


def params(arguments: argparse.Namespace) -> dict[str, object]:
    """The parameters of a benchmark of one set and one run."""
    count = arguments.train + arguments.held_out
    size = arguments.size
    drawn = {"source": "faces", "size": size, "train": arguments.train, "held_out": arguments.held_out}
    found = {"source": "folder", "root": "images", "size": size, "held_out": arguments.held_out / count}
    if arguments.grey:
        found["grey"] = True
    trained = {"steps": arguments.steps, "batch_size": 64}
    model = {"dataset": NAME, "model": MODELS[arguments.model]}
    return {
        "device": "cpu",
        "datasets": {NAME: drawn if arguments.images == "drawn" else found},
        "extractor": {"steps": arguments.steps},
        "runs": {RUN: model | ({} if "controls/" in MODELS[arguments.model] else trained)},
        "external": {f"set-{n}": {"dataset": NAME, "samples": f"samples-{n}.npz"} for n in arguments.samples},
    }


def peak_of(command: list[str], workspace: Path) -> tuple[float, float]:
    """The largest resident set of a command in bytes, and its processor seconds.  Its failure ends the script."""
    with (workspace / "log.txt").open("a") as log:
        child = subprocess.Popen(command, cwd=workspace, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
    if code := child.returncode or os.waitstatus_to_exitcode(status):
        print((workspace / "log.txt").read_text()[-2000:], file=sys.stderr)
        sys.exit(f"{' '.join(command)}: exit code {code}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return peak, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
