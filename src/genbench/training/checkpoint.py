"""Checkpoints: whole files, read with nothing executed, for one training and no other."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import torch

from genbench.runtime.group import ALONE, Group
from genbench.runtime.machine import random_state
from genbench.storage.files import write_all

SECONDS = float(os.environ.get("GENBENCH_CHECKPOINT_SECONDS", "20"))
"""Time between two checkpoints of a training."""


def save(path: Path, content: dict[str, Any], group: Group = ALONE) -> None:
    """Every process of the group calls this; the first writes, and adds what the others alone know.

    That is the stream of random numbers of each, and its own model, whose buffers may hold what its draws have left.

    content: plain values and tensors, among them `fingerprint`, `step` and `model`.
    """
    own = group.all_gather(
        _packed({"random": random_state(), "model": content["model"] if group.rank else None})
    )
    if group.is_rank_zero:
        content = content | {
            "processes": [torch.frombuffer(bytearray(one), dtype=torch.uint8) for one in own]
        }
        write_all(path.parent, {path.name: _packed(content)})


def load(path: Path, fingerprint: str, group: Group = ALONE) -> dict[str, Any] | None:
    """The checkpoint if it was left by the training with this fingerprint; one that was not, or is damaged, is none.

    `model` and `random` are those of the process that asks.
    """
    if not path.exists():
        return None
    try:
        content = _unpacked(path.read_bytes())
    except Exception as error:  # noqa: BLE001 - torch.load raises many kinds for a damaged file
        if group.is_rank_zero:
            print(
                f"{path}: damaged checkpoint ignored ({type(error).__name__}); training from the start",
                file=sys.stderr,
            )
        return None
    if content.get("fingerprint") != fingerprint:
        return None
    if group.is_rank_zero:
        print(f"resuming from step {content['step']} ({path})", file=sys.stderr)
    own = _unpacked(content.pop("processes")[group.rank].numpy().tobytes())
    return content | {"random": own["random"], "model": own["model"] or content["model"]}


def _packed(content: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _unpacked(content: bytes) -> dict[str, Any]:
    unpacked: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return unpacked
