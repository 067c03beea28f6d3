"""What follows from a stage's command line: what it is about, and the parameters and code that it depends on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genbench.provenance import fingerprints

STAGES = (*fingerprints.STAGES, "outside")
KEYS = {  # of a stage, the keys of params.yaml that it depends on
    "prepare": ("datasets.{dataset}",),
    "extractor": ("extractor",),
    "reference": ("extractor",),
    "train": ("runs.{run}",),
    "sample": ("runs.{run}",),
    "import": ("external.{run}",),
    "evaluate": ("runs.{run}", "external.{run}"),
    "report": ("runs", "external", "datasets"),
}


class Command:
    """The words of a command line after `genbench`, the first of them a stage."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = arguments
        self.stage = arguments[0]
        self.run, self.dataset = self.option("--run"), self.option("--dataset")

    def option(self, name: str) -> str:
        place = self.arguments.index(name) + 1 if name in self.arguments else len(self.arguments)
        return self.arguments[place] if place < len(self.arguments) else ""

    @property
    def out(self) -> Path:
        return Path(self.option("--out") or ("results/report" if self.stage == "report" else self.stage))

    @property
    def subject(self) -> str:
        """What the stage is about: the name of its output folder or file, e.g. the run."""
        return self.out.stem

    @property
    def params_file(self) -> str:
        return self.option("--params") or "params.yaml"

    def parameters(self) -> list[str]:
        """The keys of the parameters that the stage depends on."""
        return [key.format(run=self.run, dataset=self.dataset) for key in KEYS.get(self.stage, ())]

    def code(self, params: Mapping[str, Any]) -> list[str]:
        """The fingerprints that the stage depends on, by their places.

        Raises:
            KeyError: the parameters have no such run or dataset.
        """
        if self.stage == "outside":
            return []
        data = Path(self.option("--data")).stem
        dataset = self.dataset or (data if data in params["datasets"] else "")
        return fingerprints.needed(self.stage, params, run=self.run, dataset=dataset)

    def folders(self, params: Mapping[str, Any]) -> list[str]:
        """Folders of the user's own that the stage looks into, whatever they hold."""
        section, key = {"prepare": ("datasets", "root"), "import": ("external", "samples")}.get(
            self.stage, ("", "")
        )
        entry = (params.get(section) or {}).get(self.dataset or self.run) or {}
        return [folder] if Path(folder := str(entry.get(key, ""))).expanduser().is_dir() and folder else []
