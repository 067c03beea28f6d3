"""What is measured of images of which a part was filled in: the error there, and whether their class is kept."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from genbench.capabilities import Measure
from genbench.core import Batch
from genbench.nn.probes import neighbour_labels, ridge_regression


def middle(sides: Sequence[int]) -> tuple[slice, ...]:
    """The central half of each side."""
    return tuple(slice(side // 4, side // 4 + side // 2) for side in sides)


def plain_fills(known: Tensor, x: Tensor, mask: Tensor, hole: tuple[slice, ...]) -> dict[str, Tensor]:
    """What a network has to beat in the hole of x (n, c, h, w): the mean of known elements, and ridge regression.

    The regression is from what the mask (c, h, w) leaves on what it hides; each fill is (n, c, h', w').
    """
    linear = ridge_regression(known[:, ~mask], known[:, mask], x[:, ~mask])
    mean = known.mean(0)[:, *hole].expand(len(x), -1, -1, -1)
    return {"mean": mean, "ridge regression": linear.clamp(0, 1).view_as(mean)}


def hole_measures(
    train: Batch, held_out: Batch, images: Mapping[str, Tensor], mask: Tensor
) -> dict[str, Measure]:
    """Of held-out images filled where the mask (c, h, w) is true, by fill, one of them "network".

    The error there, how much lower the network's is than that of each other fill, and whether the class is kept.
    """
    found, errors = {}, {}
    for name, x in images.items():
        errors[name] = (x - held_out.x)[:, mask].square().mean(1)
        meaning = f"Mean squared error of a value in the hole of a held-out image, filled by {name}."
        found[f"error in the hole, {name}"] = Measure(errors[name], meaning, "down")
    own = errors.pop("network")
    for name, error in errors.items():
        meaning = (
            f"How much lower the network's error in the hole is than that of the fill by {name}, in pairs."
        )
        found[f"below {name}"] = Measure(error - own, meaning, "up")
    if train.label is None or held_out.label is None:
        return found
    for name, x in {"nothing hidden": held_out.x, **images}.items():
        kept = neighbour_labels(train.x.flatten(1), train.label, x.flatten(1)) == held_out.label
        meaning = f"Share of held-out images whose 5 nearest training images tell their class, {name}."
        found[f"class kept, {name}"] = Measure(kept.float(), meaning, "up")
    return found
