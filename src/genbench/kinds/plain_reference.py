"""The reference of a dataset of which runs ask distances alone: those of held-out data to the training data."""

from pathlib import Path

from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import plain
from genbench.kinds.distance import Distance
from genbench.kinds.reference import Refer


def known_by(distance: Distance) -> Refer:
    """What `Distance.of_dataset` gives, of a kind of data whose extractor has nothing to train."""

    def known(data: Prepared, extractor: Path) -> Known:
        plain.load(extractor, data)
        return Known(distance.of_dataset(data))

    return known
