"""A real SLURM gives the same bytes; what is sent to Kubernetes is what a stage asks for."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, checkout, run_in

# It starts what it is given, as a cluster of one node with the volume mounted would, and remembers the manifest.
KUBECTL = """\
#!{python}
import json, pathlib, subprocess, sys
here = pathlib.Path(__file__).parent
if sys.argv[1] == "create":
    job = json.load(sys.stdin)
    name = job["metadata"]["generateName"] + str(len(list(here.glob("*.json"))))
    (here / (name + ".json")).write_text(json.dumps(job))
    container = job["spec"]["template"]["spec"]["containers"][0]
    code = subprocess.run(container["command"], cwd=container["workingDir"], stdout=sys.stderr).returncode
    (here / (name + ".code")).write_text(str(code))
    print(name)
elif sys.argv[1] == "get":
    print("there 1/" if (here / (sys.argv[3] + ".code")).read_text() == "0" else "there /1")
"""


@pytest.mark.skipif(
    find_spec("snakemake_executor_plugin_cluster_generic") is None,
    reason="no snakemake-executor-plugin-cluster-generic; pip install -e '.[cluster]'",
)
def test_kubernetes_is_asked_for_what_a_stage_needs_and_failures_are_known(tmp_path: Path) -> None:
    """Without a cluster: `kubectl` is played, the profile, the manifests and the scripts are real."""
    params = SMALL.replace("device: cpu", "device: cuda").replace("ema: 0.9}", "threads: 2}")
    folder = checkout(tmp_path / "workspace", params)
    kubectl = tmp_path / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL.format(python=sys.executable))
    kubectl.chmod(0o755)
    path = os.pathsep.join([str(Path(sys.executable).parent), str(kubectl.parent), os.environ["PATH"]])
    result = run_in(
        folder,
        *("snakemake", "--nocolor", "--workflow-profile", "workflow/profiles/kubernetes"),
        *("--latency-wait", "1", "--seconds-between-status-checks", "1"),
        "results/runs/bits-made/model.safetensors",
        PATH=path,
        CUDA_VISIBLE_DEVICES="",
    )
    assert (folder / "data/bits.safetensors").exists(), result.stderr
    jobs = {path.name.split("-")[1]: json.loads(path.read_text()) for path in kubectl.parent.glob("*.json")}
    pods = {name: job["spec"]["template"]["spec"]["containers"][0] for name, job in jobs.items()}
    assert pods["prepare"]["resources"]["limits"] == {"cpu": "1", "memory": "4000M"}
    assert pods["train"]["resources"]["limits"] == {"cpu": "2", "memory": "4000M", "nvidia.com/gpu": "1"}
    # This pod has no GPU in it, whatever it was granted.
    assert result.returncode == 1
    assert "train  bits-made  device: got 'cuda', but this machine has no usable GPU" in result.stderr


@pytest.mark.slow
@pytest.mark.slurm
def test_slurm_gives_the_bytes_of_a_local_build() -> None:
    sys.path.insert(0, str(ROOT / "tests/engines/cluster"))
    import slurm

    reason = slurm.missing()
    if reason:
        pytest.skip(reason)
    result = subprocess.run(
        [sys.executable, "tests/engines/cluster/slurm.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "all 25 files of data/ and results/ are the same to the bit" in result.stdout
