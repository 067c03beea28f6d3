"""Laws that hold for every entry of the zoo; a new model file is under them without a new test."""

import importlib
import itertools
import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import pytest
import torch
from torch import Generator, Tensor

from genbench.capabilities import Completion, Latent, Likelihood, capability
from genbench.core import Batch, GenerativeModel, Space, Splits
from genbench.models.build import build
from genbench.nn.autoregressive import Autoregressive
from genbench.nn.discrete import DiscretizedLogistic, Levels
from genbench.params.schema import Run
from genbench.params.signatures import class_name_matches, model_names, model_signature
from genbench.runtime.machine import seed_of
from genbench.storage.files import InputError
from genbench.storage.weights import load_state, weights_bytes
from genbench.training.loop import Budget, Job, train

# A model is tested on the first of these that its constructor does not refuse.
SPACES = [
    Space("image", (1, 8, 8), 17, 10),
    Space("image", (1, 8, 8), 2, 10),
    Space("table", (3,), 2),
    Space("points", (2,), 0, 8),
    Space("image", (1, 8, 8), 17, 10, source=(1, 8, 8), paired=True),
    Space("image", (1, 8, 8), 17, 10, source=(1, 8, 8)),
    Space("mesh", (18,), 0, 2),
]
TINY_SPACES = {  # every element of these can be counted
    "binary": [
        Space("image", (1, 2, 3), 2, 2),
        Space("image", (1, 2, 4), 2, 2),
        Space("table", (3,), 2),
        Space("mesh", (14,), 0, 2),
    ],
    "four levels": [
        Space("image", (1, 1, 3), 4, 2),
        Space("image", (1, 2, 2), 4, 2),
        Space("image", (1, 2, 2), 2, 2),
        Space("table", (2,), 4),
        Space("mesh", (18,), 0, 2),
    ],
}
ZOO = model_names()


def model_class(model: str) -> type[GenerativeModel]:
    module = importlib.import_module(f"genbench.models.{model.replace('/', '.')}")
    return next(value for name, value in vars(module).items() if class_name_matches(name, model))


def tiny(model: str, spaces: list[Space] = SPACES, **options: Any) -> GenerativeModel:
    """A small untrained model, of the sizes that it names itself, on the first of `spaces` that it accepts."""
    small = {**model_class(model).tiny, **options}
    for space in spaces:
        torch.manual_seed(0)
        try:
            return build("test", Run(dataset="d", model=model, **small), space)
        except InputError as error:
            refusal = error
    raise refusal


@cache
def untrained(model: str) -> GenerativeModel:
    """One that is asked what it can do, and left as it is: built once for all who ask."""
    return tiny(model)


def resized(monkeypatch: pytest.MonkeyPatch, model: str, **options: Any) -> None:
    """From here on the laws build this model with other hyper-parameters."""
    cls = model_class(model)
    monkeypatch.setattr(cls, "tiny", {**cls.tiny, **options})


def coarse(model: str) -> dict[str, int]:
    """Fewer draws of the noise where a density at each is an integral: enough for what is asked of a sum."""
    return {"importance": 60} if "density_steps" in model_signature(model, "test") else {}


def quick(model: str) -> dict[str, float]:
    """A learning rate at which a few steps are enough to tell right from wrong."""
    return {"lr": 5e-3} if "lr" in model_signature(model, "test") else {}


def elements(space: Space, n: int, seed: int = 0) -> Batch:
    """Random elements that have something to learn, with labels and with other images to translate from."""
    rng = Generator().manual_seed(seed)
    if space.kind == "mesh":  # three are far more frequent than all others together
        every = every_element(space)
        which = torch.randint(len(every), (n,), generator=rng)
        which = torch.where(torch.rand(n, generator=rng) < 0.9, len(every) - 1 - which % 3, which)
        return Batch(every[which], torch.randint(space.classes, (n,), generator=rng))
    noise = torch.randn(n, *space.shape, generator=rng)
    if space.kind == "image":
        rows, columns = (torch.linspace(-1, 1, side).square() for side in space.shape[1:])
        x = 1 - (rows[:, None] + columns[None, :]) / 2 + 0.3 * noise  # bright in the middle
    else:
        x = 0.6 + 0.3 * noise
    x = space.to_unit(space.to_levels(x.clamp(0, 1)))
    label = torch.randint(space.classes, (n,), generator=rng) if space.classes else None
    if not space.source:
        return Batch(x, label)
    return Batch(x, label, elements(space._replace(shape=space.source, source=()), n, seed + 100).x)


def fitted(
    model: str, tmp_path: Any, steps: int = 3, spaces: list[Space] = SPACES, **options: Any
) -> GenerativeModel:
    built = tiny(model, spaces, **options)
    splits = Splits(elements(built.space, 40), elements(built.space, 30, seed=1))
    with torch.enable_grad():
        train(built, splits, Budget(steps, 16), Job("test", 0, tmp_path / "c.pt", "f"))
    return built.eval()


def asked(model: GenerativeModel, n: int, seed: int = 0) -> Tensor | None:
    """n conditions, where the model heeds any."""
    condition = model.condition_of(elements(model.space, n, seed=seed))
    return None if condition is None else condition[:]


def drawn(model: GenerativeModel, n: int, seed: int) -> Tensor:
    """n samples; under n conditions where the model heeds them."""
    return model.sample(n, asked(model, n), rng=Generator().manual_seed(seed))


class Zoo(dict[str, GenerativeModel]):
    """Each model is fitted when a test first asks for it: a worker of several has but a part of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __missing__(self, name: str) -> GenerativeModel:
        return self.setdefault(name, fitted(name, self.folder))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(tmp_path_factory.mktemp("zoo"))


def having(protocol: type) -> list[str]:
    return [name for name in ZOO if capability(untrained(name), protocol) is not None]


@pytest.mark.parametrize("name", ZOO)
@torch.no_grad()
def test_samples_have_the_shape_and_support_of_the_data(zoo: dict[str, GenerativeModel], name: str) -> None:
    space = zoo[name].space
    x = drawn(zoo[name], 7, seed=0)
    assert x.shape == (7, *space.shape)
    assert x.dtype == elements(space, 1).x.dtype
    if space.levels:
        assert bool(((x >= 0) & (x <= 1)).all())
    assert bool(torch.isfinite(x).all())


@pytest.mark.parametrize("name", ZOO)
@torch.no_grad()
def test_sampling_follows_from_the_generator_alone(zoo: dict[str, GenerativeModel], name: str) -> None:
    torch.manual_seed(1)
    one = drawn(zoo[name], 20, seed=5)
    torch.manual_seed(2)
    same = drawn(zoo[name], 20, seed=5)
    other = drawn(zoo[name], 20, seed=6)
    assert torch.equal(one, same)
    if not zoo[name].noiseless:
        assert not torch.equal(one, other)


@pytest.mark.parametrize("name", ZOO)
@torch.no_grad()
def test_saved_and_loaded_weights_give_the_same_bytes_and_samples(
    zoo: dict[str, GenerativeModel], name: str
) -> None:
    from safetensors.torch import load

    content = weights_bytes(zoo[name], {"model": name})
    copy = tiny(name)
    load_state(copy, load(content))
    assert weights_bytes(copy, {"model": name}) == content
    draws = [drawn(model.eval(), 9, seed=3) for model in (zoo[name], copy)]
    assert torch.equal(*draws)


@pytest.mark.parametrize("name", ZOO)
def test_an_objective_moves_all_of_its_own_parameters_and_no_others(name: str) -> None:
    model = tiny(name)
    model.train()
    everything = dict(model.named_parameters())
    owned: set[int] = set()
    for phase in model.phases():
        for objective in phase.objectives:
            torch.manual_seed(0)
            own = list(objective.parameters)
            owned |= {id(parameter) for parameter in own}
            model.zero_grad(set_to_none=True)
            objective.loss(elements(model.space, 32)).backward(inputs=own)
            moved = {key for key, p in everything.items() if p.grad is not None and bool((p.grad != 0).any())}
            expected = {key for key, p in everything.items() if any(p is mine for mine in own)}
            assert moved == expected, f"{objective.name}: {sorted(moved ^ expected)}"
    assert owned == {id(parameter) for parameter in everything.values()}, "parameters that nobody trains"


@pytest.mark.parametrize("name", ZOO)
def test_the_players_of_a_phase_own_different_parameters(name: str) -> None:
    for phase in tiny(name).phases():
        owners = [{id(parameter) for parameter in objective.parameters} for objective in phase.objectives]
        for one, other in itertools.combinations(owners, 2):
            assert not one & other, f"{phase.name}: a parameter with two owners"


@pytest.mark.parametrize("name", ZOO)
def test_one_batch_can_be_overfitted(name: str) -> None:
    """Each objective's loss falls when it alone is trained on one batch; a discriminator's falls far.

    A divergence between data and the model's own particles is no loss that falls: only its gradient means anything.
    """
    model = tiny(name, **quick(name))
    batch = elements(model.space, 16)
    model.train()
    for phase in model.phases():
        if phase.fit is not None:
            phase.fit(Splits(batch, batch))
        if phase.progress is not None:
            phase.progress(0.5)
        for objective in phase.objectives:
            losses, own = [], list(objective.parameters)
            optimizer = objective.optimizer(own)
            for _ in range(50 if objective.name == "discriminator" else 30):
                loss = objective.loss(batch)
                optimizer.zero_grad(set_to_none=True)
                loss.backward(inputs=own)
                optimizer.step()
                losses.append(float(loss.detach()))
            if "divergence" in objective.name:
                continue
            first, last = sum(losses[:5]) / 5, sum(losses[-10:]) / 10
            assert last < first, f"{phase.name}, {objective.name}: from {first:.4g} to {last:.4g}"
            if objective.name == "discriminator":  # which has but to tell 16 images from untrained ones
                assert last < 0.6 * first, f"{objective.name}: from {first:.4g} to {last:.4g} alone"


@runtime_checkable
class Contest(Protocol):
    """A game over one score: what is generated for a batch, and what is thought of elements in its place."""

    def generate(self, batch: Batch) -> Tensor: ...

    def discriminate(self, x: Tensor, batch: Batch) -> Tensor: ...


@pytest.mark.parametrize("name", having(Contest))
def test_the_players_of_a_game_pull_its_score_apart(name: str) -> None:
    """Trained alone, the critic scores real elements higher than generated ones; the generator raises its own score."""
    model: Any = tiny(name, **quick(name))
    batch = elements(model.space, 16)
    model.train()

    @torch.no_grad()
    def scores() -> tuple[float, float]:
        torch.manual_seed(1)
        fake = model.generate(batch)
        return float(model.discriminate(batch.x, batch).mean()), float(model.discriminate(fake, batch).mean())

    (phase,) = (phase for phase in model.phases() if phase.objectives)
    made = {id(parameter) for parameter in model.generator.parameters()}
    players = sorted(phase.objectives, key=lambda player: id(player.parameters[0]) in made)
    for number, player in enumerate(players):
        before, own = scores(), list(player.parameters)
        optimizer = player.optimizer(own)
        for _ in range(30):
            optimizer.zero_grad(set_to_none=True)
            player.loss(batch).backward(inputs=own)
            optimizer.step()
        (real, fake), margin = scores(), before[0] - before[1]
        if number + 1 < len(players):
            assert real - fake > max(0.0, margin), f"{player.name} does not tell real from generated"
        else:
            assert fake > before[1], f"{player.name} does not raise its own"


@pytest.mark.parametrize("name", ZOO)
def test_training_moves_the_weights_and_repeats_to_the_bit(
    zoo: dict[str, GenerativeModel], name: str, tmp_path: Any
) -> None:
    one, same = zoo[name], fitted(name, tmp_path)
    assert weights_bytes(one, {}) == weights_bytes(same, {})
    untrained = tiny(name)
    if untrained.state_dict():
        assert weights_bytes(one, {}) != weights_bytes(untrained, {})


def every_image(space: Space) -> Tensor:
    """All elements of a small discrete space, (levels^D, *shape)."""
    rows = itertools.product(range(space.levels), repeat=space.dimensions)
    return space.to_unit(torch.tensor(list(rows))).reshape(-1, *space.shape)


def every_element(space: Space) -> Tensor:
    """All elements of a space in which they can be counted."""
    return every_mesh(space.shape[0]) if space.kind == "mesh" else every_image(space)


def every_mesh(length: int) -> Tensor:
    """Each row of 14 or of 18 tokens that stands for a mesh of one bit a coordinate, written down rule by rule."""
    lattice = list(itertools.product((1, 2), repeat=3))  # z, y, x + 1
    one, other = [2, 3, 4], [2, 4, 3]
    faces: dict[int, list[list[int]]] = {1: [[]], 2: [[]]}
    faces[3] = [one, other, *([*a, 1, *b] for a in (one, other) for b in (one, other))]
    faces[4] = [[2, *rest] for k in (2, 3) for rest in itertools.permutations((3, 4, 5), k)]
    rows = [
        [token for vertex in vertices for token in vertex] + [0, *face, 0]
        for count, choices in faces.items()
        for vertices in itertools.combinations(lattice, count)
        for face in choices
    ]
    padded = [row + [-1] * (length - len(row)) for row in rows if len(row) <= length]
    return torch.tensor(padded, dtype=torch.int16)


class TinySpace(NamedTuple):
    """A model trained on a space whose every element can be named, and what it says of each."""

    model: GenerativeModel
    every: Tensor
    log_prob: Tensor
    exact: bool


@torch.no_grad()
def on_a_tiny_space(name: str, size: str, tmp_path: Any) -> TinySpace:
    model = fitted(name, tmp_path, 60, TINY_SPACES[size], **quick(name), **coarse(name))
    likelihood = capability(model, Likelihood)
    assert likelihood is not None
    torch.manual_seed(0)
    every = every_element(model.space)
    return TinySpace(model, every, likelihood.log_prob(every).double(), likelihood.exact)


def probabilities_sum_to_one(found: TinySpace) -> None:
    """Exactly for an exact likelihood; never above one, up to Monte-Carlo noise, for a lower bound."""
    total = float(found.log_prob.exp().sum())
    if found.exact:
        assert total == pytest.approx(1, abs=1e-5)
    else:
        assert 0.8 < total < 1.03


@torch.no_grad()
def samples_match_the_density(found: TinySpace) -> None:
    """Total variation between sample frequencies and the model's own probabilities, against what chance alone gives."""
    p, space, n = found.log_prob.softmax(0), found.model.space, 10_000
    x = found.model.sample(n, rng=Generator().manual_seed(1))
    together = space.to_levels(torch.cat([found.every, x])).flatten(1)
    _, place = torch.unique(together, dim=0, return_inverse=True)
    known = len(found.every)
    frequencies = torch.bincount(place[known:], minlength=int(place.max()) + 1)[place[:known]] / n
    distance = 0.5 * float((frequencies - p).abs().sum())
    by_chance = 0.5 * float((2 * p * (1 - p) / (math.pi * n)).sqrt().sum())  # expected for n draws from p
    assert distance < 1.5 * by_chance + (0 if found.exact else 0.05)


@pytest.mark.parametrize("size", TINY_SPACES)
@pytest.mark.parametrize("name", having(Likelihood))
def test_probabilities_over_a_tiny_space_sum_to_one_and_are_those_of_samples(
    name: str, size: str, tmp_path: Any
) -> None:
    found = on_a_tiny_space(name, size, tmp_path)
    probabilities_sum_to_one(found)
    samples_match_the_density(found)


@pytest.mark.parametrize("name", [name for name in ZOO if untrained(name).conditional])
@torch.no_grad()
def test_a_condition_changes_the_samples(zoo: dict[str, GenerativeModel], name: str) -> None:
    model = zoo[name]
    one, other = (asked(model, 8, seed=seed) for seed in (0, 1))
    assert one is not None
    draws = [model.sample(8, condition, rng=Generator().manual_seed(0)) for condition in (one, other)]
    assert not torch.equal(*draws)


@pytest.mark.parametrize("name", having(Likelihood))
def test_training_raises_the_likelihood(name: str, tmp_path: Any) -> None:
    model = tiny(name)
    if not any(phase.objectives for phase in model.phases()):
        pytest.skip("fitted in closed form")
    x = elements(model.space, 40).x
    # A bound that is looser rises all the same.
    loose = {"importance": 10} if "importance" in model_signature(name, "test") else {}
    likelihood = capability(fitted(name, tmp_path, steps=1, **loose), Likelihood)
    trained = capability(fitted(name, tmp_path, steps=60, **loose), Likelihood)
    assert likelihood is not None
    assert trained is not None
    with torch.no_grad():
        torch.manual_seed(0)
        assert float(trained.log_prob(x).mean()) > float(likelihood.log_prob(x).mean()) + 1


@pytest.mark.parametrize("name", having(Latent))
@torch.no_grad()
def test_codes_decode_to_images(zoo: dict[str, GenerativeModel], name: str) -> None:
    latent = capability(zoo[name], Latent)
    assert latent is not None
    z = latent.prior(5, rng=Generator().manual_seed(0))
    assert z.ndim == 2
    x = latent.decode(z)
    assert x.shape == (5, *zoo[name].space.shape)
    assert torch.equal(x, latent.decode(z)), "decoding is a function of the code"
    assert not torch.equal(x[0], x[1])


@pytest.mark.parametrize("name", having(Completion))
@torch.no_grad()
def test_completion_keeps_what_it_is_shown(zoo: dict[str, GenerativeModel], name: str) -> None:
    completion = capability(zoo[name], Completion)
    assert completion is not None
    x = elements(zoo[name].space, 6).x
    mask = torch.zeros_like(x, dtype=torch.bool)
    mask[:, :, :4] = True
    done = completion.complete(x, mask, rng=Generator().manual_seed(0))
    assert torch.equal(done[mask], x[mask])
    hidden = x.clone()
    hidden[~mask] = 0.5  # what is hidden must not leak into the completion
    assert torch.equal(completion.complete(hidden, mask, rng=Generator().manual_seed(0)), done)


AUTOREGRESSIVE = [name for name in ZOO if issubclass(model_class(name), Autoregressive)]


@pytest.mark.parametrize("name", AUTOREGRESSIVE)
@torch.no_grad()
def test_a_completion_draws_what_the_slow_one_draws(zoo: dict[str, GenerativeModel], name: str) -> None:
    """An override of `complete` is a shorter way to the same values."""
    model: Any = zoo[name]
    x = elements(model.space, 30).x
    for share in (0.0, 0.4):  # nothing is shown; some values here and there
        mask = torch.rand(x.shape, generator=Generator().manual_seed(3)) < share
        slow = Autoregressive.complete(model, x, mask, rng=Generator().manual_seed(0))
        assert torch.equal(model.complete(x, mask, rng=Generator().manual_seed(0)), slow)


COLOURED = Space("image", (3, 4, 5), 4, 2)


def with_positive_weights(name: str, space: Space) -> Any:
    """An autoregressive model of images; no weight so small as to hide a dependence, or so large as to saturate."""
    try:
        model: Any = tiny(name, [space])
    except InputError as error:
        pytest.skip(f"refuses {space}: {error}")
    for parameter in model.parameters():
        parameter.data.uniform_(0.02, 0.06, generator=Generator().manual_seed(0))
    return model.eval().double()


def bright(space: Space) -> Tensor:
    """An image with which no rectified unit of such a model is at 0, (1, *shape)."""
    return torch.full((1, *space.shape), 0.9, dtype=torch.double)


@pytest.mark.parametrize("space", [SPACES[0], SPACES[1], COLOURED], ids=["grey", "binary", "RGB"])
@pytest.mark.parametrize("name", AUTOREGRESSIVE)
@torch.no_grad()
def test_a_pixel_depends_on_the_pixels_of_its_field_alone(name: str, space: Space) -> None:
    """The field is what the model says that it is: all before the pixel, or fewer; none after it."""
    model = with_positive_weights(name, space)
    dimensions, field = space.dimensions, model.field()
    assert not bool(field.triu().any()), "a field with the pixel itself or a later one"
    order = torch.arange(dimensions) if model.order is None else model.order
    x = bright(space)

    def per_pixel(x: Tensor) -> Tensor:
        return model.logits(x).reshape(dimensions, -1)

    base = per_pixel(x)
    for d in range(0, dimensions, 5):
        changed = x.clone().flatten()
        changed[order[d]] = 0.4
        differs = (per_pixel(changed.reshape(x.shape)) - base).abs().amax(1) > 0
        assert not bool(differs[: d + 1].any()), f"a pixel sees itself or a later one: {d}"
        assert not bool((differs & ~field[:, d]).any()), f"a pixel beyond the field is seen: {d}"
        assert bool(differs[field[:, d]].all()), "a pixel of the field is not seen"


@pytest.mark.parametrize("space", [SPACES[0], SPACES[1], COLOURED], ids=["grey", "binary", "RGB"])
@pytest.mark.parametrize("name", AUTOREGRESSIVE)
def test_a_logit_has_gradients_on_the_pixels_of_its_field_alone(name: str, space: Space) -> None:
    """∂logit_i / ∂x_j = 0 for all j ≥ i, and j that the i-th does not see."""
    model = with_positive_weights(name, space)
    x = bright(space).requires_grad_()
    logits = model.logits(x)[0].sum(1)
    rows = [torch.autograd.grad(each, x, retain_graph=True, allow_unused=True)[0] for each in logits]
    if all(row is None for row in rows):
        pytest.skip("looks its levels up")
    slopes = torch.stack([row.flatten() for row in rows])
    if model.order is not None:
        slopes = slopes[:, model.order]
    seen = slopes != 0
    assert not bool(seen.triu().any()), "a pixel sees itself or a later one"
    assert torch.equal(seen, model.field())


def test_a_gated_made_is_under_the_laws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    name = "autoregressive/made"
    resized(monkeypatch, name, activation="gated")
    test_an_objective_moves_all_of_its_own_parameters_and_no_others(name)
    test_one_batch_can_be_overfitted(name)
    test_probabilities_over_a_tiny_space_sum_to_one_and_are_those_of_samples(name, "four levels", tmp_path)
    test_completion_keeps_what_it_is_shown({name: tiny(name)}, name)
    test_a_pixel_depends_on_the_pixels_of_its_field_alone(name, SPACES[0])
    test_a_logit_has_gradients_on_the_pixels_of_its_field_alone(name, SPACES[0])


@torch.no_grad()
def test_a_gated_unit_is_its_value_times_its_gate() -> None:
    made: Any = tiny("autoregressive/made", activation="gated")
    made.eval()
    sums, x = made.hidden[0], torch.rand(5, 64, generator=Generator().manual_seed(0))
    value, gate = sums(x)[:, 0::2], sums(x)[:, 1::2]
    assert torch.allclose(made.hidden(x), value * gate.sigmoid())
    assert made.hidden(x).shape == (5, model_class("autoregressive/made").tiny["hidden"])


def test_a_vae_of_convolutions_is_under_the_laws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    resized(monkeypatch, "latent/vae", network="convolutions", importance=2000)
    test_an_objective_moves_all_of_its_own_parameters_and_no_others("latent/vae")
    test_one_batch_can_be_overfitted("latent/vae")
    test_probabilities_over_a_tiny_space_sum_to_one_and_are_those_of_samples(
        "latent/vae", "four levels", tmp_path
    )


@torch.no_grad()
def test_the_maps_of_a_convolutional_vae_lie_where_their_pixels_are() -> None:
    vae: Any = tiny("latent/vae", [Space("image", (3, 16, 8), 256)], network="convolutions")
    z = torch.randn(5, vae.latent)
    maps, raw = vae.decoder[:-1](z), vae.logits(z)
    assert raw.shape == (5, 3 * 16 * 8, 2)
    for channel, row, column, number in ((0, 0, 0, 0), (1, 3, 7, 1), (2, 15, 2, 1)):
        expected = maps[:, 2 * channel + number, row, column]
        assert torch.equal(raw[:, channel * 16 * 8 + row * 8 + column, number], expected)
    assert vae.sample(4, rng=Generator().manual_seed(0)).shape == (4, 3, 16, 8)


def test_a_vae_of_convolutions_refuses_what_is_no_image() -> None:
    with pytest.raises(InputError, match="convolutions are for images"):
        tiny("latent/vae", [Space("table", (3,), 2)], network="convolutions")


@pytest.mark.parametrize("space", [Space("image", (1, 2, 4), 2), Space("image", (1, 2, 2), 4)])
@pytest.mark.parametrize("kind", [Levels, DiscretizedLogistic])
def test_output_distributions_sum_to_one_and_sample_what_they_say(kind: Any, space: Space) -> None:
    output = kind(space)
    raw = torch.randn(1, output.channels, generator=Generator().manual_seed(0)).repeat(space.levels, 1)
    p = output.log_prob(raw, space.to_unit(torch.arange(space.levels))).exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    drawn = output.sample(raw[:1].expand(50_000, -1), Generator().manual_seed(1))
    frequencies = torch.bincount(space.to_levels(drawn), minlength=space.levels) / 50_000
    assert torch.allclose(frequencies, p, atol=0.01)


def test_the_logistic_keeps_its_precision_in_the_tails() -> None:
    space = Space("image", (1, 1, 1), 256)
    raw = torch.tensor([[-0.5, -10.0]], requires_grad=True)  # a narrow peak at 0
    nats = DiscretizedLogistic(space).log_prob(raw, torch.tensor([0.7]))
    nats.sum().backward()
    assert bool(torch.isfinite(nats).all())
    assert raw.grad is not None
    assert bool(torch.isfinite(raw.grad).all())


def test_seeds_differ_by_each_part_and_fit_a_generator() -> None:
    seeds = {
        seed_of(0, "a", "train"),
        seed_of(1, "a", "train"),
        seed_of(0, "b", "train"),
        seed_of(0, "a", "sample"),
    }
    assert len(seeds) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)
