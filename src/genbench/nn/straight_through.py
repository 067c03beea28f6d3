"""Values that are rounded on the way forward and not on the way back (Bengio et al., 2013, arXiv:1308.3432)."""

from torch import Tensor

from genbench.core import Space


def on_levels(space: Space, x: Tensor) -> Tensor:
    """[0, 1] -> the nearest levels, as they will be stored, with the gradient of x.

    A discriminator that sees these cannot tell generated images by values between the levels, and sees what rounding
    does to them: a shade between two levels, with a little noise, becomes speckle.
    """
    return x + (space.to_unit(space.to_levels(x)) - x).detach()
