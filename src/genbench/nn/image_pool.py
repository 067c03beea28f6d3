"""A pool of earlier generated images (Shrivastava et al., 2017, arXiv:1612.07828, section 2.3)."""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Keeps a discriminator from forgetting: half of the images it is shown are older ones.

    What is kept are buffers, so a training that is killed and resumed goes on with the same pool; the choice of what
    is shown follows torch's global random state.
    """

    kept: Tensor
    count: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def exchange(self, fresh: Tensor) -> Tensor:
        """(n, *shape) -> (n, *shape): each image itself, or, with probability ½, an older one whose place it takes.

        While there are free places each image takes one and is shown itself.
        """
        size = len(self.kept)
        if not size:
            return fresh.detach()
        old = (torch.rand(len(fresh)) < 0.5).tolist()
        places = torch.randint(size, (len(fresh),)).tolist()
        count, shown = int(self.count), fresh.detach().clone()
        for k, image in enumerate(fresh):
            if count < size:
                self.kept[count] = image
                count += 1
            elif old[k]:
                shown[k] = self.kept[places[k]]
                self.kept[places[k]] = image
        self.count.fill_(count)
        return shown
