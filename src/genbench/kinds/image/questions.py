"""What the evaluation of images asks: of samples their structure, of a model a question for each capability."""

from torch import Generator

from genbench.capabilities import (
    Encoder,
    Joint,
    Latent,
    Pairs,
    Reconstruction,
    StyleMixing,
    Truncation,
    capability,
)
from genbench.core import GenerativeModel
from genbench.data.prepared import Prepared
from genbench.extractors.classifier import Trained
from genbench.extractors.readers import Readers, has_two_domains
from genbench.kinds.comparison import Subject
from genbench.kinds.image import (
    factors,
    joint,
    people,
    representation,
    structure,
    styles,
    translation,
    truncation,
    walks,
)
from genbench.kinds.image.answers import Answers
from genbench.kinds.image.reference import ImageReference
from genbench.scoring.features import Features


def answers(
    data: Prepared,
    subject: Subject,
    fake: Features,
    extract: Trained,
    readers: Readers | None,
    reference: ImageReference,
    *,
    seed: int,
) -> Answers:
    """What the samples show, and all that their model answers, which samples from elsewhere do not have.

    fake: of the samples.  readers: those of the dataset, None where it names no factors; then what needs them is
    not asked.
    """
    model, rng = subject.model, subject.rng
    found = [structure.answers(data, subject.samples, fake, reference, seed=seed)]
    if model is not None and rng is not None:
        found += _asked(data, subject, model, extract, readers, reference, rng=rng, seed=seed)
    measures = {title: measure for each in found for title, measure in each.measures.items()}
    return Answers(measures, tuple(table for each in found for table in each.tables))


def _asked(
    data: Prepared,
    subject: Subject,
    model: GenerativeModel,
    extract: Trained,
    readers: Readers | None,
    reference: ImageReference,
    *,
    rng: Generator,
    seed: int,
) -> list[Answers]:
    found: list[Answers] = []
    if (truncating := capability(model, Truncation)) is not None:
        labelled = model.conditional == "label"
        found.append(
            truncation.answers(
                data, truncating, extract, reference.held_out.features, labelled=labelled, rng=rng, seed=seed
            )
        )
    if (both := capability(model, Joint)) is not None:
        found.append(joint.answers(data, both, rng=rng))
    if (walking := capability(model, Latent)) is not None:
        found.append(walks.answers(data, walking, extract, rng=rng, seed=seed))
    if (encoding := capability(model, Encoder)) is not None:
        start = None if subject.untrained is None else capability(subject.untrained, Encoder)
        pixels, device = reference.pixels, rng.device
        found.append(representation.answers(data, encoding, start, device=device, seed=seed, known=pixels))
        if readers is not None:
            found.append(
                factors.answers(
                    data,
                    encoding,
                    start,
                    readers,
                    device=device,
                    seed=seed,
                    true=reference.true_factors,
                    components=None if pixels is None else pixels.components,
                )
            )
    if readers is not None:
        if (pairing := capability(model, Pairs)) is not None:
            found.append(people.answers(data, pairing, readers, rng=rng, seed=seed))
        if (mixing := capability(model, StyleMixing)) is not None:
            found.append(styles.answers(data, mixing, readers, rng=rng))
        if model.conditional == "source" and has_two_domains(data):
            back = capability(model, Reconstruction)
            found.append(translation.answers(data, subject.samples, back, readers, rng=rng, seed=seed))
    return found
