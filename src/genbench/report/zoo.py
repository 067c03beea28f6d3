"""The catalogue of the zoo: every system with its paper, its equation, its data and what it can do.

Everything is read from where it is said anyway: the docstring on top of a model's file, its class, params.yaml.
"""

import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from genbench import capabilities
from genbench.core import GenerativeModel
from genbench.params.schema import Run
from genbench.params.signatures import class_name_matches, model_names

SOURCE = "../src/genbench/models"  # seen from the page
REFERENCES = (
    (re.compile(r"arXiv:(\d{4}\.\d{4,5})"), "https://arxiv.org/abs/"),
    (re.compile(r"doi:(10\.\d{4,9}/[^\s,;)]*[^\s,;).])"), "https://doi.org/"),
)


class Ability(NamedTuple):
    """What a model may be able to do.  protocol: of `genbench.capabilities`."""

    protocol: type
    name: str
    meaning: str


ABILITIES = (
    Ability(capabilities.Likelihood, "likelihood", "log p(x), exact or a bound"),
    Ability(capabilities.ScoreField, "score", "∇ log p(x) at several levels of noise"),
    Ability(capabilities.Latent, "codes", "a prior over codes and a decoder: walks and interpolation"),
    Ability(
        capabilities.Encoder,
        "encoder",
        "numbers that say what an element is: probed, clustered, beside raw pixels, PCA and a random network",
    ),
    Ability(capabilities.Completion, "completion", "fills in what is hidden"),
    Ability(
        capabilities.Measured,
        "measures",
        "numbers of its own on held-out data, with intervals, in the report",
    ),
    Ability(
        capabilities.Shown, "pictures", "of its own in the report: reconstructions, traversals, maps of codes"
    ),
    Ability(capabilities.Watched, "frames", "samples from the same noise at moments of its training"),
)
CONDITIONS = {"label": "draws elements of the class asked for", "source": "translates the image given"}
INTRODUCTION = """\
# The zoo

{count} systems and {controls} controls, one file each. Written by `genbench zoo --out docs/zoo.md` from their
docstrings, their classes and `params.yaml`; a test keeps it true. Every system draws samples. What it can do besides,
and what the evaluation and the report ask of it for that:

{abilities}

"""


def page(runs: Mapping[str, Run]) -> str:
    """The page, in Markdown.  runs: by name, those of a benchmark."""
    used = defaultdict(list)
    for name, run in runs.items():
        used[run.model].append(name)
    names = model_names()
    controls = sum(name.startswith("controls/") for name in names)
    meanings = {ability.name: ability.meaning for ability in ABILITIES} | CONDITIONS
    listed = "\n".join(f"- **{name}**: {meaning}" for name, meaning in meanings.items())
    head = INTRODUCTION.format(count=len(names) - controls, controls=controls, abilities=listed)
    families = (
        "\n".join(family(title, models, used))
        for title, models in groupby(names, lambda name: name.split("/")[0])
    )
    return head + "\n".join(families)


def family(title: str, models: Iterable[str], used: Mapping[str, list[str]]) -> Iterator[str]:
    """The lines of one family of models."""
    yield f"## {title.capitalize()}\n"
    for name in models:
        module = importlib.import_module(f"genbench.models.{name.replace('/', '.')}")
        yield f"### [{name}]({SOURCE}/{name}.py)\n"
        yield linked(inspect.cleandoc(module.__doc__ or "")) + "\n"
        found = abilities(class_of(module, name))
        yield f"- can: {', '.join(found) or 'draw samples'}"
        runs = ", ".join(f"`{run}`" for run in used.get(name, ()))
        yield f"- in the default benchmark: {runs or 'no run'}\n"


def class_of(module: Any, name: str) -> type[GenerativeModel]:
    """The model's class in its module."""
    classes: list[Any] = [value for value in vars(module).values() if inspect.isclass(value)]
    found: type[GenerativeModel] = next(cls for cls in classes if class_name_matches(cls.__name__, name))
    return found


def abilities(model: type[GenerativeModel]) -> list[str]:
    """The names of what a model of this class can do besides drawing samples of its own choice."""
    found = [ability.name for ability in ABILITIES if has(model, ability.protocol)]
    return found if model.conditional is None else [*found, model.conditional]


def has(model: type, protocol: type) -> bool:
    """Whether a class has the methods of a protocol; its values may be set when it is built."""
    methods = [name for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"]
    return all(callable(getattr(model, name, None)) for name in methods)


def linked(text: str) -> str:
    """Text with a link at each reference; asterisks and underscores in formulas stay as they are."""
    text = re.sub(r"([*_<])", r"\\\1", text)
    for pattern, address in REFERENCES:
        text = pattern.sub(rf"[\g<0>]({address}\g<1>)", text)
    return text
