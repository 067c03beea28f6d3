"""The process that imports what stages need and then waits for commands, see `runtime.warm`."""

import sys
from contextlib import suppress
from importlib import import_module

from genbench.cli import application
from genbench.cli.declared import PARAMS, uncollected
from genbench.kinds.kind import PARTS
from genbench.params.schema import load
from genbench.runtime import environment, forking
from genbench.storage.files import LEDGER, InputError

# With all that these import at their top; what is missing here is imported by every child that needs it.
MODULES = (
    *(f"genbench.stages.{stage}" for stage in ("prepare", "extractor", "reference", "train", "sample")),
    *(f"genbench.stages.{stage}" for stage in ("import_samples", "novelty", "evaluate", "report", "outside")),
    *(f"genbench.kinds.{kind}.{part}" for kind in ("image", "points", "table", "mesh") for part in PARTS),
    *(f"genbench.{name}" for name in ("engines.commands", "extractors.build", "provenance.receipts")),
    *(
        f"sklearn.{name}"
        for name in ("cluster", "datasets", "ensemble", "linear_model", "mixture", "preprocessing")
    ),
    *(
        "scipy.linalg",
        "scipy.ndimage",
        "scipy.optimize",
        "scipy.special",
        "safetensors.torch",
        "PIL.ImageDraw",
    ),
)


def _read_parameters() -> None:
    """Those of this folder, with the signatures that they are checked against: half of what a short stage takes.

    Both are kept by what the files hold or when they were written, so a child that finds others reads those.
    """
    with suppress(InputError, OSError):
        load(PARAMS)
    LEDGER.clear()


def main() -> None:
    """The descriptor of its socket is the last argument."""
    start = forking.Start.now()
    environment.fix()
    with uncollected():
        for name in MODULES:
            import_module(name)
        _read_parameters()
    forking.serve(int(sys.argv[-1]), start)  # returns in the children alone
    forking.finish(application.main)
