"""What every run on points asks of the dataset alone."""

from genbench.kinds.plain_reference import known_by
from genbench.kinds.points.distance import DISTANCE

known = known_by(DISTANCE)
