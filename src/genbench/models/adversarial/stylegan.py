"""StyleGAN (Karras et al., 2019), arXiv:1812.04948.  x = g(w, …, w; noise), w = f(z): styles drive every layer of g.

min_D E[softplus(D(g)) + softplus(−D(x))] + γ/2 E‖∇D(x)‖², the generator minimises E[softplus(−D(g))].  With probability
`mixing` the layers of a generated image follow one style up to a random crossover and another one from there on.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, Space, Splits
from genbench.nn.games import NON_SATURATING, Duel
from genbench.nn.priors import GaussianPrior
from genbench.nn.regularisers import r1_penalty
from genbench.nn.straight_through import on_levels
from genbench.nn.styles import MappingNetwork, Noise, StyleDiscriminator, SynthesisNetwork, mixing_grid
from genbench.nn.towers import halvings

SOURCES = 6  # A, and B
PENALISED = 4  # the penalty is taken on one real image in so many: its mean is the same, its price is not


class StyleGAN(GaussianPrior, Duel):
    """Gaussian z; no growing, as in StyleGAN2.  `mean_style` follows the mean of w while it trains.

    latent: dimensions of z.  style: of w.  mapping: layers of f.  width: feature maps at full resolution, twice as many
    at half the side; `critic_width`: the discriminator's.  penalty: γ.  pace: of the mean style.
    """

    mean_style: Tensor
    truncations = (1.0, 0.8, 0.6, 0.4)
    tiny: ClassVar = {"latent": 6, "style": 6, "mapping": 2, "width": 8, "critic_width": 8, "penalty": 0.1}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 512,
        style: int = 512,
        mapping: int = 8,
        width: int = 32,
        critic_width: int = 32,
        mixing: float = 0.9,
        penalty: float = 10.0,
        pace: float = 0.005,
        lr: float = 2e-3,
        beta1: float = 0.0,
        beta2: float = 0.99,
    ) -> None:
        super().__init__(space)
        channels, *sides = space.shape
        if not sides or not halvings(sides):
            raise ValueError(
                f"shape={space.shape}: expected images whose sides can be halved to 4 pixels or more"
            )
        self.latent, self.mixing, self.penalty, self.pace = latent, mixing, penalty, pace
        self.mapping = MappingNetwork(latent, style, mapping)
        self.synthesis = SynthesisNetwork(channels, sides, width, style)
        self.discriminator = StyleDiscriminator(channels, sides, critic_width)
        self.layers = len(self.synthesis.sides)
        self.crossovers = tuple(range(1, self.layers))
        self.register_buffer("mean_style", torch.zeros(style))
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2))

    def everywhere(self, w: Tensor) -> Tensor:
        """(n, k) -> (layers, n, k): one style for all layers."""
        return w.expand(self.layers, -1, -1)

    def crossed(self, a: Tensor, b: Tensor, crossover: int | Tensor) -> Tensor:
        """Styles (n, k) -> (layers, n, k): a's before `crossover`, which may be one for each element, then b's."""
        layer = torch.arange(self.layers, device=a.device)[:, None]
        return torch.where((layer < crossover)[:, :, None], a, b)

    def generate(self, n: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """n images in [−1, 1], some of mixed styles, and the styles w (n, k) of their first layers."""
        a, b = self.mapping(self.prior(2 * n, device=device)).chunk(2)
        crossover = torch.randint(1, self.layers, (n,), device=device)
        mixed = torch.rand(n, device=device) < self.mixing
        styles = self.crossed(a, b, torch.where(mixed, crossover, self.layers))
        x = self.synthesis(styles, self.synthesis.noise(n, device=device))
        return self.space.signed(on_levels(self.space, self.space.unsigned(x))), a

    def discriminator_loss(self, batch: Batch) -> Tensor:
        real = self.space.signed(batch.x)
        with torch.no_grad():
            fake, _ = self.generate(len(real), real.device)
        game = NON_SATURATING.real(self.discriminator(real)) + NON_SATURATING.fake(self.discriminator(fake))
        few = real[: -(-len(real) // PENALISED)]
        return game.mean() + self.penalty * r1_penalty(self.discriminator, few)

    def generator_loss(self, batch: Batch) -> Tensor:
        fake, w = self.generate(len(batch.x), batch.x.device)
        self.mean_style.lerp_(w.detach().mean(0), self.pace)
        return NON_SATURATING.real(self.discriminator(fake)).mean()

    def players(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        generator = [*self.mapping.parameters(), *self.synthesis.parameters()]
        return list(self.discriminator.parameters()), generator

    def images(self, styles: Tensor, noise: Noise) -> Tensor:
        """(layers, n, k) -> (n, *shape) in [0, 1]."""
        return self.space.unsigned(self.synthesis(styles, noise)).clamp(0, 1)

    def quiet_images(self, styles: Tensor) -> Tensor:
        """(layers, n, k) -> (n, *shape) in [0, 1], with the same noise for all."""
        return self.images(styles, self.synthesis.fixed_noise(styles.shape[1]))

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1], with the same noise for every code."""
        return self.quiet_images(self.everywhere(self.mapping(z)))

    def mix(self, a: Tensor, b: Tensor, crossover: int, *, rng: Generator) -> Tensor:
        """Codes (n, k) -> (n, *shape) in [0, 1]: layers before `crossover` have a's style, the others b's."""
        styles = self.crossed(self.mapping(a), self.mapping(b), crossover)
        return self.images(styles, self.synthesis.noise(len(a), rng=rng))

    def truncated(
        self, n: int, truncation: float, condition: Tensor | None = None, *, rng: Generator
    ) -> Tensor:
        """w̄ + ψ (w − w̄), ψ = `truncation`, for all layers (section B)."""
        w = self.mean_style.lerp(self.mapping(self.prior(n, rng=rng)), truncation)
        return self.images(self.everywhere(w), self.synthesis.noise(n, rng=rng))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.truncated(n, 1.0, rng=rng)

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Images of A with coarse, middle or fine styles of B; truncation from the loosest to the mean style."""
        a, b = self.mapping(self.prior(2 * SOURCES, rng=rng)).chunk(2)
        pictures, names = {}, ("coarse", "middle", "fine") if self.layers > 4 else ("coarse", "fine")
        layers = torch.zeros(self.layers, dtype=torch.bool)
        for name, own in zip(names, torch.arange(self.layers).tensor_split(len(names)), strict=True):
            sides = "–".join(dict.fromkeys(f"{self.synthesis.sides[i][0]}²" for i in (own[0], own[-1])))
            caption = (
                f"Rows: source A.  Columns: source B, whose {name} styles ({sides} pixels) the images have."
            )
            pictures[caption] = mixing_grid(self.quiet_images, a, b, layers.index_fill(0, own, True))
        columns = [self.mean_style.lerp(a, truncation) for truncation in (*self.truncations, 0.0)]
        styles = self.everywhere(torch.stack(columns, 1).flatten(0, 1))
        x = self.quiet_images(styles).unflatten(0, (SOURCES, -1))
        shown = ", ".join(f"{truncation:g}" for truncation in self.truncations)
        return pictures | {f"Columns: truncation, ψ = {shown}, and 0, the mean style.": x}

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        return {"x": self.sample(16, rng=rng)}
