"""Checkpoints: whole files, read with nothing executed, for one training and no other."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import torch

from genbench.files import write_all

SECONDS = float(os.environ.get("GENBENCH_CHECKPOINT_SECONDS", "20"))
"""Time between two checkpoints of a training."""


def save(path: Path, content: dict[str, Any]) -> None:
    """content: plain values and tensors, among them `fingerprint` and `step`."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_all(path.parent, {path.name: buffer.getvalue()})


def load(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """The checkpoint if it was left by the training with this fingerprint; one that was not, or is damaged, is none."""
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch.load raises many kinds for a damaged file
        print(
            f"{path}: damaged checkpoint ignored ({type(error).__name__}); training from the start",
            file=sys.stderr,
        )
        return None
    if content.get("fingerprint") != fingerprint:
        return None
    print(f"resuming from step {content['step']} ({path})", file=sys.stderr)
    return content
