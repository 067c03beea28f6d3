"""CycleGAN between domains that differ in light: what its norms keep, and its way there and back."""

import torch
from torch import Generator, nn

from genbench.core import Space
from genbench.models.translation.cyclegan import CycleGAN

DOMAINS = Space("image", (3, 16, 16), 8, 6, source=(3, 16, 16))


def built(**options: object) -> CycleGAN:
    torch.manual_seed(0)
    return CycleGAN(DOMAINS, width=4, blocks=1, critic_width=4, layers=1, **options).eval()  # type: ignore[arg-type]


def kinds(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(each, kind) for each in network.modules())


def test_norms_and_halvings_are_those_asked_for() -> None:
    model = built(halved=0, norm="batch", critic_norm="none")
    assert kinds(model, nn.InstanceNorm2d) == kinds(model.target_critic, nn.BatchNorm2d) == 0
    assert kinds(model.forth, nn.BatchNorm2d) == kinds(model.back, nn.BatchNorm2d) == 3
    assert all(each.stride == (1, 1) for each in model.forth.modules() if isinstance(each, nn.Conv2d))
    paper = built()
    assert kinds(paper, nn.BatchNorm2d) == 0
    assert kinds(paper.forth, nn.ConvTranspose2d) == 2


@torch.no_grad()
def test_instance_norm_forgets_how_bright_a_picture_is_and_batch_norm_does_not() -> None:
    x = torch.rand(4, 3, 16, 16, generator=Generator().manual_seed(0))
    spread = {}
    for norm in ("instance", "batch"):
        model = built(halved=0, norm=norm)
        first = model.forth.body[0]
        bright, dark = first(x), first(0.5 * x)  # no bias: half as bright is half of everything
        spread[norm] = float((bright - dark).abs().mean() / bright.abs().mean())
    assert spread["instance"] < 0.05
    assert spread["batch"] > 0.4


@torch.no_grad()
def test_there_and_back_is_the_translation_translated() -> None:
    model, source = built(), torch.rand(3, 3, 16, 16, generator=Generator().manual_seed(1))
    there = model.sample(3, source, rng=Generator())
    back = model.space.unsigned(model.to_source(model.space.signed(there)))
    assert torch.allclose(model.reconstructed(source), back, atol=1e-6)
