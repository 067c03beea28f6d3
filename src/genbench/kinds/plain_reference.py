"""The reference of a dataset of which runs ask distances alone: those of held-out data to the training data."""

from pathlib import Path

from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import plain
from genbench.kinds.distance import TO_TRAIN, Distance
from genbench.kinds.reference import Refer


def known_by(distance: Distance) -> Refer:
    """What `Distance.to_train` gives, of a kind of data whose extractor has nothing to train."""

    def known(data: Prepared, extractor: Path) -> Known:
        plain.load(extractor, data)
        return Known({f"{TO_TRAIN}.{name}": array for name, array in distance.to_train(data).items()})

    return known
