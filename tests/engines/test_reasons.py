"""What another tool gives as its reason is passed on whole, in one line."""

import subprocess
from pathlib import Path

import pytest

from genbench.engines import dvc, snakemake, verify
from genbench.storage.files import InputError


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "Building DAG of jobs...\nMissingInputException in rule import_samples in file external.smk, line 16:\n"
            "Missing input files for rule import_samples:\n wildcards: run=digits-x\n    affected files:\n    x.npz\n",
            "MissingInputException in rule import_samples in file external.smk, line 16: Missing input files for rule "
            "import_samples: wildcards: run=digits-x affected files: x.npz",
        ),
        ("WorkflowError:\nparams.yaml: runs: missing\n", "WorkflowError: params.yaml: runs: missing"),
        ("something else\n", "something else"),
        ("", "exit code 1"),
    ],
)
def test_snakemakes(said: str, expected: str) -> None:
    assert snakemake._complaint(subprocess.CompletedProcess([], 1, "", said)) == expected


def test_dvcs_with_what_it_was_caused_by() -> None:
    error = ValueError("cannot parse\n'dvc.lock'")
    error.__cause__ = OSError("line 3")
    assert dvc._reasons(error) == "cannot parse 'dvc.lock': line 3"


def test_gits(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"git: fatal: .*no-such"):
        verify._git(tmp_path, "init", "--template", "/dev/null", "--object-format=no-such")


def test_that_of_a_stage_comes_before_its_engines() -> None:
    said = ["Error in rule train:", "genbench: error: runs.a: the loss is nan", "WorkflowError:"]
    assert verify._reason(said) == "runs.a: the loss is nan"
    assert verify._reason(["OSError: [Errno 28] No space left on device: 'x'"]).endswith("on device: 'x'")
    assert verify._reason([]) == ""


def test_a_damaged_lock_of_dvcs_is_named_with_what_to_do() -> None:
    said = "Unable to read RWLock-file '.dvc/tmp/rwlock'. JSON structure is corrupted: Expecting value"
    assert dvc._how_to_mend(said).endswith("remove .dvc/tmp/rwlock")
