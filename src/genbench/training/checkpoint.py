"""Checkpoints: whole files, read with nothing executed, for one training and no other.

The first bytes of a file are the hash of the rest, so that a damaged one is known: torch checks no sums.
"""

import hashlib
import io
import os
import sys
from pathlib import Path
from typing import Any

import torch

from genbench.runtime.group import ALONE, Group
from genbench.runtime.machine import random_state
from genbench.storage.files import write_whole

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
        packed = _packed(content)
        write_whole(path, hashlib.sha256(packed).digest() + packed)


def load(path: Path, fingerprint: str, group: Group = ALONE) -> dict[str, Any] | None:
    """The checkpoint if it was left by the training with this fingerprint; one that was not, or is damaged, is none.

    `model` and `random` are those of the process that asks.
    """
    if not path.exists():
        return None
    try:
        content = _unpacked(_verified(path.read_bytes()))
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


def _verified(content: bytes) -> bytes:
    size = hashlib.sha256().digest_size
    if hashlib.sha256(content[size:]).digest() != content[:size]:
        raise ValueError("not what was written")
    return content[size:]


def _packed(content: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _unpacked(content: bytes) -> dict[str, Any]:
    unpacked: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return unpacked
