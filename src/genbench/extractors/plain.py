"""For data whose values are features enough: a file that says so, and for which version of the data."""

from pathlib import Path
from typing import Any

from torch import nn

from genbench.data.prepared import Prepared
from genbench.params.schema import Extractor as Settings
from genbench.storage.files import sha256
from genbench.storage.weights import read_weights, weights_bytes


def train(data: Prepared, settings: Settings) -> tuple[bytes, dict[str, Any]]:
    """Weights without any tensor, and the card beside them: there is nothing to train, whatever the settings say."""
    content = weights_bytes(nn.Module(), {"kind": "plain", "data": data.sha256})
    card = {
        "extractor": "plain values",
        "dataset": data.card["name"],
        "weights_sha256": sha256(content),
        "data_sha256": data.sha256,
    }
    return content, card


def load(path: Path, data: Prepared) -> str:
    """The file's hash.

    Raises:
        InputError: missing, damaged, or made for another version of the data.
    """
    return read_weights(path, expected={"kind": "plain", "data": data.sha256})[1]
