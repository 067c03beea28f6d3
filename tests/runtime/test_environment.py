"""The variables that fix threads, instruction sets and precision: set in time, and stronger than the user's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import EXTRACTOR, RUN, run_in

from genbench.runtime import environment, warm

# What a user, a cluster or an engine may have set: less than is to be used, and more.
LESS = {
    "OPENBLAS_CORETYPE": "Prescott",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    "OMP_NUM_THREADS": "2",
}
MORE = {
    "OPENBLAS_CORETYPE": "SkylakeX",
    "ATEN_CPU_CAPABILITY": "avx512",
    "DNNL_MAX_CPU_ISA": "ALL",
    "DNNL_DEFAULT_FPMATH_MODE": "ANY",
    "MKL_CBWR": "AUTO",
    "MKL_ENABLE_INSTRUCTIONS": "AVX512",
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
    "OPENBLAS_NUM_THREADS": "2",
}
LIBRARIES = """
from genbench.runtime import environment
environment.fix()
import json, numpy, scipy.linalg, threadpoolctl, torch
from numpy._core import _multiarray_umath as umath
pools = threadpoolctl.threadpool_info()
print(json.dumps({
    "openblas": sorted({pool["architecture"] for pool in pools if "architecture" in pool}),
    "threads": sorted({pool["num_threads"] for pool in pools}),
    "torch": torch.backends.cpu.get_cpu_capability(),
    "numpy": [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]],
}))
"""
START = """
import json, os, sys
from genbench import cli
from genbench.cli import application
loaded = lambda: sorted({"numpy", "scipy", "torch"} & set(sys.modules))
application.app = lambda *_: print(json.dumps([loaded(), dict(os.environ)]))
cli.main()
"""
# Two stages in one process, which loads the libraries once.
STAGES = f"""
import sys
from genbench import cli
for arguments in {[("train", *RUN), ("evaluate", *RUN, "--extractor", EXTRACTOR)]}:
    sys.argv = ["genbench", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            raise
"""
with_avx2 = pytest.mark.skipif(not environment.has_avx2(), reason="needs Linux on x86-64 with AVX2")


@with_avx2
@pytest.mark.parametrize("hostile", [LESS, MORE], ids=["less", "more"])
def test_whatever_the_environment_says_a_stage_writes_the_same_bytes(
    built: Path, workspace: Path, hostile: dict[str, str]
) -> None:
    done = run_in(workspace, sys.executable, "-c", STAGES, **hostile, **{warm.VARIABLE: ""})
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    for name in (
        "model.safetensors",
        "curve.csv",
        "followed.npz",
        "frames.npz",
        "metrics.json",
        "replicates.npz",
    ):
        path = Path("results/runs/bits-made") / name
        assert (workspace / path).read_bytes() == (built / path).read_bytes(), name


@with_avx2
def test_the_libraries_obey() -> None:
    """A release that renames a variable shows here."""
    command = [sys.executable, "-W", "error::ImportWarning", "-c", LIBRARIES]
    done = subprocess.run(command, env=os.environ | MORE, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["openblas"] == ["Haswell"]
    assert found["threads"] == [1]
    assert found["torch"] == "AVX2"
    assert set(found["numpy"]) & {"X86_V3", "AVX2"}
    assert not set(found["numpy"]) & set(environment.AVX512.split())


def test_everything_is_set_before_a_library_is_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", START], env=os.environ | MORE, capture_output=True, text=True, check=True
    )
    loaded, variables = json.loads(done.stdout)
    assert loaded == []
    assert {variables[name] for name in environment.ONE_THREAD} == {"1"}
    assert not set(environment.CONTRADICTING) & variables.keys()
    if environment.has_avx2():
        assert environment.AVX2.items() <= variables.items()


@pytest.mark.parametrize(
    ("platform", "machine", "flags"),
    [
        ("linux", "aarch64", "Features\t: fp asimd"),
        ("linux", "x86_64", "flags\t\t: fpu sse4_2 avx fma"),
        ("linux", "x86_64", None),
        ("darwin", "x86_64", "flags\t\t: avx2 fma"),
        ("win32", "x86_64", "flags\t\t: avx2 fma"),
    ],
)
def test_a_processor_without_avx2_is_told_no_instructions(
    platform: str, machine: str, flags: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    if flags is not None:
        cpuinfo.write_text(f"processor\t: 0\n{flags}\n\nprocessor\t: 1\n")
    monkeypatch.setattr(environment, "CPUINFO", cpuinfo)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine))
    monkeypatch.setattr(os, "environ", {"OPENBLAS_CORETYPE": "Prescott", "OMP_NUM_THREADS": "8"})
    environment.fix()
    assert os.environ["OPENBLAS_CORETYPE"] == "Prescott"
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert "ATEN_CPU_CAPABILITY" not in os.environ
