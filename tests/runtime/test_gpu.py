"""The same run on a CPU and on a GPU: other bits, the same scores.  Needs a GPU that torch can use."""

import json
from pathlib import Path

import pytest
import torch
from conftest import EXTRACTOR, run_in

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]

RUNS = """\
runs:
  bits-made: {dataset: bits, model: autoregressive/made, hidden: 100, steps: 600, batch_size: 64, ema: 0.99}
  bits-vae: {dataset: bits, model: latent/vae, hidden: 128, latent: 8, steps: 600, batch_size: 64}
"""
NATS = {
    "bits-made": 0.005,
    "bits-vae": 0.02,
}  # relative; a GPU draws other noise, which only the VAE trains with
OUTPUTS = ("model.safetensors", "curve.csv", "followed.npz", "frames.npz", "samples.npz", "metrics.json")


def scored(workspace: Path, run: str, device: str) -> dict[str, bytes]:
    """One run from training to scores on a device."""
    text = (workspace / "params.yaml").read_text()
    head = text[text.index("datasets:") : text.index("runs:")]
    (workspace / "params.yaml").write_text(f"device: {device}\n{head}{RUNS}")
    folder = f"results/runs/{run}"
    place = ("--run", run, "--data", "data/bits.safetensors", "--out", folder)
    for stage in ("train", "sample", "novelty", "evaluate"):
        more = ("--extractor", EXTRACTOR) if stage == "evaluate" else ()
        result = run_in(workspace, "genbench", stage, *place, *more)
        assert result.returncode == 0, result.stderr
    return {name: (workspace / folder / name).read_bytes() for name in OUTPUTS}


@pytest.mark.parametrize("run", ["bits-made", "bits-vae"])
def test_scores_agree_with_the_cpu_and_repeat_to_the_bit(workspace: Path, run: str) -> None:
    here, there = (json.loads(scored(workspace, run, device)["metrics.json"]) for device in ("cpu", "cuda"))
    cpu, gpu = here["scores"], there["scores"]
    assert cpu.keys() == gpu.keys()
    assert gpu["nll"]["value"] == pytest.approx(cpu["nll"]["value"], rel=NATS[run])
    half_widths = (one["fid"]["high"] - one["fid"]["value"] for one in (cpu, gpu))
    assert abs(gpu["fid"]["value"] - cpu["fid"]["value"]) <= sum(half_widths)
    assert scored(workspace, run, "cuda") == scored(workspace, run, "cuda")
