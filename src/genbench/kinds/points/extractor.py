"""Points are features as they are: there is nothing to train."""

from typing import Any

from genbench.data.prepared import Prepared
from genbench.extractors import plain
from genbench.params.schema import Extractor


def train(data: Prepared, settings: Extractor) -> tuple[bytes, dict[str, Any]]:
    return plain.extractor(data)
