"""What every run on tables asks of the dataset alone."""

from genbench.kinds.plain_reference import known_by
from genbench.kinds.table.distance import DISTANCE

known = known_by(DISTANCE)
