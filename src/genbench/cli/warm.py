"""The process that imports what stages need and then waits for commands, see `runtime.warm`."""

import sys
from importlib import import_module

from genbench.cli import application
from genbench.cli.declared import uncollected
from genbench.kinds.kind import PARTS
from genbench.runtime import environment, forking

# With all that these import at their top; what is missing here is imported by every child that needs it.
MODULES = (
    *(f"genbench.stages.{stage}" for stage in ("prepare", "extractor", "train", "sample", "novelty")),
    *(f"genbench.stages.{stage}" for stage in ("import_samples", "evaluate", "report", "outside")),
    *(f"genbench.kinds.{kind}.{part}" for kind in ("image", "points", "table", "mesh") for part in PARTS),
    *(f"genbench.{name}" for name in ("engines.commands", "extractors.build", "provenance.receipts")),
    *(f"sklearn.{name}" for name in ("cluster", "datasets", "linear_model", "mixture", "preprocessing")),
    *(
        "scipy.linalg",
        "scipy.ndimage",
        "scipy.optimize",
        "scipy.special",
        "safetensors.torch",
        "PIL.ImageDraw",
    ),
)


def main() -> None:
    """The descriptor of its socket is the last argument."""
    start = forking.Start.now()
    environment.fix()
    with uncollected():
        for name in MODULES:
            import_module(name)
    forking.serve(int(sys.argv[-1]), start)  # returns in the children alone
    forking.finish(application.main)
