"""What every run on meshes asks of the dataset alone: distances of held-out data to the training data."""

from pathlib import Path

from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import plain
from genbench.kinds.distance import TO_TRAIN
from genbench.kinds.mesh.distance import DISTANCE


def known(data: Prepared, extractor: Path) -> Known:
    """What `Distance.to_train` gives."""
    plain.load(extractor, data)
    return Known({f"{TO_TRAIN}.{name}": array for name, array in DISTANCE.to_train(data).items()})
