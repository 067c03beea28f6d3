"""Hand one stage's script to Kubernetes as a Job and print its name, by which status.sh and cancel.sh ask for it.

The volume is mounted where it is mounted here, so the script finds the workspace and leaves its results in it.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def manifest(options: argparse.Namespace) -> dict[str, Any]:
    """The Job: one pod, one try.  A GPU is granted by limits alone, and only to those that ask for one."""
    resources = {"cpu": str(options.cpus), "memory": f"{options.memory}M"}
    if options.gpus:
        resources["nvidia.com/gpu"] = str(options.gpus)
    container = {
        "name": "stage",
        "image": options.image,
        "command": ["/bin/sh", options.script],
        "workingDir": str(Path.cwd()),
        "resources": {"requests": resources, "limits": resources},
        "volumeMounts": [{"name": "workspace", "mountPath": options.mount}],
    }
    claim = {"name": "workspace", "persistentVolumeClaim": {"claimName": options.claim}}
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": [claim]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"genbench-{options.name.replace('_', '-')}-"},
        "spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 86400, "template": {"spec": pod}},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--image", "--claim", "--mount", "--name"):
        parser.add_argument(name, required=True)
    for name in ("--cpus", "--memory", "--gpus"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("script")
    job = manifest(parser.parse_args())
    command = ["kubectl", "create", "--filename", "-", "--output", "jsonpath={.metadata.name}"]
    sys.exit(subprocess.run(command, input=json.dumps(job), text=True, check=False).returncode)


if __name__ == "__main__":
    main()
