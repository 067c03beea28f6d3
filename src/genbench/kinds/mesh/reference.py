"""What every run on meshes asks of the dataset alone."""

from genbench.kinds.mesh.distance import DISTANCE
from genbench.kinds.plain_reference import known_by

known = known_by(DISTANCE)
