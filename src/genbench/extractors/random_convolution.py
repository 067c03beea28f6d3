"""Random convolutions: a fixed, untrained network whose pooled moments see texture and rough layout.

Untrained features need no weights and no labels: Naeem et al. (2020), arXiv:2002.09797, score images that are unlike
ImageNet with them.

x ∈ [−1, 1] → 3 × [convolution 3×3, ReLU → moments, then halved by averaging].  The moments of each of the 16 maps of a
layer are its mean in each quarter of the image and its standard deviation: 3 · 16 · 5 = 240 features, at three scales.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genbench.extractors.base import Extractor, Outputs, batches, checked, stacked

LAYERS, WIDTH, SEED = 3, 16, 20150
BATCH = 256


class RandomConvolution(Extractor):
    """240 features of images with `channels` channels; the same filters everywhere and always."""

    name = "random-convolution"

    def __init__(self, channels: int) -> None:
        rng = np.random.Generator(np.random.PCG64(SEED + channels))
        self.channels = channels
        self.layers: list[tuple[Tensor, Tensor]] = []
        digest = hashlib.sha256(f"{self.name} 1 {LAYERS} {WIDTH} {channels}".encode())
        for layer in range(LAYERS):
            inputs = WIDTH if layer else channels
            # Multiples of 2⁻¹⁰: the hash is the same whatever the last bit of a platform's normal deviates.
            weight = (
                np.round(rng.standard_normal((WIDTH, inputs, 3, 3)) * (2 / (9 * inputs)) ** 0.5 * 1024) / 1024
            )
            bias = np.round(rng.standard_normal(WIDTH) * 0.1 * 1024) / 1024
            digest.update(weight.tobytes() + bias.tobytes())
            self.layers.append((torch.from_numpy(weight), torch.from_numpy(bias)))
        self.sha256 = digest.hexdigest()

    @torch.no_grad()
    def outputs(self, images: np.ndarray) -> Outputs:
        if checked(images).shape[1] != self.channels:
            raise ValueError(f"images: {images.shape[1]} channels, expected {self.channels}")
        return Outputs(stacked([self._moments(x) for x in batches(images, BATCH)]))

    def _moments(self, x: Tensor) -> Tensor:
        """(b, c, h, w) in 0 … 255 -> (b, 240)"""
        x = x.double() / 127.5 - 1
        found = []
        for weight, bias in self.layers:
            x = F.relu(F.conv2d(x, weight, bias, padding=1))
            quarters = F.adaptive_avg_pool2d(x, 2).flatten(1)  # (b, 16, 2, 2) -> (b, 64)
            found += [quarters, x.flatten(2).std(2, correction=0)]
            x = F.avg_pool2d(x, 2, ceil_mode=True)
        return torch.cat(found, 1)
