"""Elements too many to hold, in the place of a tensor: rows are read from the file when they are asked for."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from genbench.storage.arrays import release_pages


class Stored:
    """An array (n, *shape), as a rule mapped from a file, whose rows become tensors on a device.

    convert: what is done to stored rows on the device, such as `Space.to_unit`.
    """

    def __init__(self, array: np.ndarray, convert: Callable[[Tensor], Tensor], device: torch.device) -> None:
        self.array, self.convert, self.device = array, convert, device
        self.shape, self.ndim = torch.Size(array.shape), array.ndim

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        """Rows on the device, of a slice or of an index on any device."""
        found = torch.tensor(self.array[index if isinstance(index, slice) else index.cpu().numpy()])
        release_pages(self.array)
        if self.device.type == "cuda":
            found = found.pin_memory()
        return self.convert(found.to(self.device, non_blocking=True))
