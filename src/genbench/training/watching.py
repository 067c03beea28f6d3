"""Moments of a training that are shown, from before its first step to after its last, always from the same noise."""

import numpy as np
import torch
from torch import Generator, Tensor

from genbench.capabilities import Watched, capability
from genbench.core import GenerativeModel, Space
from genbench.runtime.machine import seed_of


class Watcher:
    """Looks at a model at evenly spaced steps, and leaves its training as it was."""

    def __init__(
        self, model: GenerativeModel, steps: int, moments: int, seed: int, taken: dict[int, dict[str, Tensor]]
    ) -> None:
        self.model, self.watched, self.seed, self.taken = model, capability(model, Watched), seed, taken
        self.steps = steps
        self.moments = {round(i * steps / (moments - 1)) for i in range(moments)} if steps else set()

    @torch.no_grad()
    def look(self, step: int) -> None:
        """`step` steps are done; taken once, whether or not the training was resumed since."""
        if self.watched is None or step not in self.moments or step in self.taken:
            return
        training, device = self.model.training, _device(self.model)
        self.model.eval()
        with torch.random.fork_rng():
            rng = Generator(device).manual_seed(seed_of(self.seed, "watch"))
            self.taken[step] = {name: value.cpu() for name, value in self.watched.watch(rng=rng).items()}
        self.model.train(training)

    def arrays(self, space: Space) -> dict[str, np.ndarray]:
        """step: (moments,), and by name (moments, …): samples as stored data, the rest as float32; nothing for none."""
        if not self.taken:
            return {}
        steps = sorted(self.taken)
        names = self.taken[steps[0]]
        stacked = {name: torch.stack([self.taken[step][name] for step in steps]) for name in names}
        found = {
            name: space.stored(value) if name == "x" else value.float().numpy()
            for name, value in stacked.items()
        }
        return {"step": np.array(steps), **found}


def _device(model: GenerativeModel) -> torch.device:
    return next(model.parameters(), torch.empty(0)).device
