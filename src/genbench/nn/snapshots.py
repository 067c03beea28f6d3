"""A network as it once was, beside itself."""

import copy
from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import vector_to_parameters

Network = TypeVar("Network", bound=nn.Module)


def vector_of(parameters: Iterable[Tensor]) -> Tensor:
    """All numbers of some parameters, (P,), in whatever order each lies in memory."""
    return torch.cat([parameter.flatten() for parameter in parameters])


class Snapshot(nn.Module):
    """The parameters of a network at one moment, a buffer that is saved with the model; the network is its caller's."""

    parameters_then: Tensor  # (P,)

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.register_buffer("parameters_then", torch.zeros_like(vector_of(network.parameters()).detach()))

    @torch.no_grad()
    def take(self, network: nn.Module) -> None:
        self.parameters_then.copy_(vector_of(network.parameters()))

    def as_it_was(self, network: Network) -> Network:
        """A copy of the network with the parameters of then."""
        then = copy.deepcopy(network)
        vector_to_parameters(self.parameters_then, then.parameters())
        return then

    def forward(self, network: nn.Module, *inputs: Tensor) -> Tensor:
        """What the network would give with the parameters of then."""
        named = dict(network.named_parameters())
        parts = self.parameters_then.split([parameter.numel() for parameter in named.values()])
        then = {name: part.view_as(named[name]) for name, part in zip(named, parts, strict=True)}
        found: Tensor = functional_call(network, then, inputs)
        return found
