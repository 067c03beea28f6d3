"""Stages that compute nothing: each writes down what it was made from, with the package's own files and receipts.

`stages.json` in the workspace says of each command what it reads and writes.
"""

import json
import sys
from pathlib import Path

import stops

from genbench.cli.application import main as real
from genbench.cli.declared import PARAMS
from genbench.engines import commands
from genbench.params.yaml import read
from genbench.provenance.command import Command
from genbench.provenance.receipts import recording
from genbench.storage.files import InputError, json_bytes, md5, read_bytes, write_all


def run(words: list[str]) -> None:
    """The stage with this command line, in the present folder."""
    stage = json.loads(Path("stages.json").read_bytes())[" ".join(["genbench", *words])]
    with recording(words):
        params, command = read(Path("params.yaml")), Command(words)
        entries = {}
        for name in command.parameters():
            section, _, entry = name.partition(".")
            entries[name] = params[section].get(entry) if entry else params[section]
        inputs = {path: md5(read_bytes(Path(path), what="an input")) for path in stage["inputs"]}
        made_from = {"parameters": entries, "inputs": inputs}
        top = Path(stage["outputs"][0]).parent
        write_all(top, {Path(out).name: json_bytes({"out": out} | made_from) for out in stage["outputs"]})


def main() -> None:
    """A command of genbench; those that are no stages are genbench's own."""
    stops.plant()
    if sys.argv[1] == "code":
        real()
    sys.audit("import", "genbench.stages.standin")
    try:
        run(commands.whole(sys.argv[1:], PARAMS))
    except InputError as error:
        sys.exit(f"genbench: error: {error}")
