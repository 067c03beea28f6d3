"""What a person sees of a training that runs."""

import sys
import time
from collections.abc import Mapping

from tqdm import tqdm


class Progress:
    """A bar with loss and images/s in a terminal; plain lines, one every ten seconds, where there is none.

    quiet: print nothing.
    """

    def __init__(self, label: str, start: int, end: int, batch_size: int, *, quiet: bool = False) -> None:
        self.label, self.start, self.end, self.batch_size, self.quiet = label, start, end, batch_size, quiet
        self.began = self.said = time.monotonic()
        self.terminal = sys.stderr.isatty() and not quiet
        self.bar = tqdm(initial=start, total=end, desc=self.label, unit="step", disable=not self.terminal)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def advance(self, step: int, losses: Mapping[str, float]) -> None:
        if self.quiet:
            return
        now = time.monotonic()
        if self.terminal:
            self.bar.update(1)
        if now - self.said < (0.5 if self.terminal else 10.0) and step < self.end:
            return
        self.said = now
        speed = (step - self.start) * self.batch_size / max(now - self.began, 1e-9)
        said = " ".join(f"{name}={loss:.4g}" for name, loss in losses.items())
        if self.terminal:
            self.bar.set_postfix_str(f"{said} {speed:,.0f} images/s")
        else:
            print(
                f"{self.label}: step {step}/{self.end} {said} {speed:,.0f} images/s",
                file=sys.stderr,
                flush=True,
            )
