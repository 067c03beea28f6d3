"""How weights start."""

from torch import Tensor, nn

Layer = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


def normal_weights(module: nn.Module) -> None:
    """N(0, .02) weights, batch norm's scales around 1 (DCGAN, arXiv:1511.06434, section 4); for `nn.Module.apply`."""
    if isinstance(module, Layer):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def zero_biases(module: nn.Module) -> None:
    """For `nn.Module.apply`."""
    if isinstance(module, Layer) and module.bias is not None:
        nn.init.zeros_(module.bias)


class Equalised(nn.Module):
    """A linear or convolutional layer with weights from N(0, 1), scaled by He's constant at run time.

    w·(c x) + b with c = gain / √fan-in: under Adam all weights then learn at the same pace, whatever their layer's
    width (Karras et al., 2018, arXiv:1710.10196, section 4.1).
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, gain: float = 2**0.5) -> None:
        super().__init__()
        nn.init.normal_(layer.weight)
        zero_biases(layer)
        self.layer, self.scale = layer, gain / layer.weight[0].numel() ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.scale * x)
