"""How a stage ended, by what it wrote to standard error."""

from pathlib import Path
from typing import Literal, NamedTuple

ERROR = "genbench: error: "


class Ending(NamedTuple):
    """The last line of a log, and what it is: an error in one line, the end of a traceback, or neither; "" of none."""

    line: str
    kind: Literal["error", "traceback", ""]


def ending(log: Path) -> Ending:
    """Raises OSError where the log cannot be read."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if last.startswith(ERROR):
        return Ending(last.removeprefix(ERROR), "error")
    raised = any(line.startswith("Traceback (most recent call last)") for line in lines)
    return Ending(last, "traceback" if raised else "")
