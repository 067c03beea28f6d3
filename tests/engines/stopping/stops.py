"""Stops a stage at a moment.

STOP holds stage:subject:moment:how, several with spaces between; tabs stand for spaces within.  The moment is `start`,
`writing` (everything is computed, the first partial file is about to be opened) or `renaming` (all partial files are
written; of several one is renamed).  How: `kill`; `fail`, an error as a full disk gives; or an edit of a file that the
stage was started with, file=text=other text.
"""

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

OURS = {
    "code",
    "params",
    "receipts",
    "checkpoints",
    "__pycache__",
}  # where files are written that are no outputs


class Stop:
    def __init__(self, stage: str, subject: str, moment: str, how: str) -> None:
        self.moment, self.how = moment, how
        self.opened = self.renamed = 0
        # Under DVC the command line is the name of the stage alone.
        words = [*sys.orig_argv, *os.environ.get("DVC_STAGE", "").rpartition(":")[2].split("@")]
        self.is_meant = stage in words and any(Path(word).stem == subject for word in words)

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "import" and str(given[0]).startswith("genbench.stages."):
            self.at("start")
        elif event == "open" and is_output(given[0]):
            self.opened += 1
            self.at("writing")
        elif event == "os.rename" and is_output(given[0]):
            self.renamed += 1
            if self.renamed == min(2, self.opened):
                self.at("renaming")

    def at(self, moment: str) -> None:
        if not self.is_meant or moment != self.moment:
            return
        self.moment = ""  # once
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "fail":
            raise OSError(errno.ENOSPC, "planted: no space left")
        name, before, after = self.how.split("=")
        file = Path(name)
        file.write_text(file.read_text().replace(before, after, 1))


def is_output(path: object) -> bool:
    return isinstance(path, str | os.PathLike) and (
        str(path).endswith(".partial") and OURS.isdisjoint(Path(path).parts)
    )


def plant() -> None:
    """What STOP asks for, in this process."""
    for one in os.environ.get("STOP", "").split(" "):
        if one:
            sys.addaudithook(Stop(*one.replace("\t", " ").split(":", 3)))
