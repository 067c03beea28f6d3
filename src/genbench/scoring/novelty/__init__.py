"""Are the generated data new?  Each score compares samples with the training data.  See docs/evaluation.md.

No single score is enough: judge each by the controls of the same table (held-out data, copies, noise).
"""

from genbench.scoring.neighbours import nearest, nearest_others
from genbench.scoring.novelty.calibrated import (
    Calibration,
    calibrate,
    calibrate_distances,
    closer_to_train,
)
from genbench.scoring.novelty.chance import LEVEL, Fold, chance_of, least_suspicious, power, verdict
from genbench.scoring.novelty.copying import (
    authenticity,
    authenticity_distances,
    ct_score,
    neighbour_ratio,
    neighbour_ratio_distances,
)
from genbench.scoring.novelty.disguised import Copies, find_copies
from genbench.scoring.novelty.likelihood import FeatureLikelihood, fld
from genbench.scoring.novelty.memorisation import Birthday, birthday_support, mifid
from genbench.scoring.shifts import ShiftedNeighbours, shift_invariant_neighbours
from genbench.scoring.views import VIEWS

__all__ = [
    "LEVEL",
    "VIEWS",
    "Birthday",
    "Calibration",
    "Copies",
    "FeatureLikelihood",
    "Fold",
    "ShiftedNeighbours",
    "authenticity",
    "authenticity_distances",
    "birthday_support",
    "calibrate",
    "calibrate_distances",
    "chance_of",
    "closer_to_train",
    "ct_score",
    "find_copies",
    "fld",
    "least_suspicious",
    "mifid",
    "nearest",
    "nearest_others",
    "neighbour_ratio",
    "neighbour_ratio_distances",
    "power",
    "shift_invariant_neighbours",
    "verdict",
]
