"""What the evaluation of images asks a model that offers more than samples: a question for each capability."""

from genbench.capabilities import Joint, Pairs, Reconstruction, StyleMixing, Truncation, capability
from genbench.data.prepared import Prepared
from genbench.extractors.classifier import Trained
from genbench.extractors.readers import Readers, has_two_domains
from genbench.kinds.image import joint, people, styles, translation, truncation
from genbench.kinds.image.answers import Answers
from genbench.kinds.kind import Subject


def answers(
    data: Prepared, subject: Subject, extract: Trained, readers: Readers | None, *, seed: int
) -> Answers:
    """All that the subject's model answers; nothing for samples from elsewhere.

    readers: those of the dataset, None where it names no factors; then what needs them is not asked.
    """
    model, rng = subject.model, subject.rng
    if model is None or rng is None:
        return Answers({})
    found: list[Answers] = []
    if (truncating := capability(model, Truncation)) is not None:
        labelled = model.conditional == "label"
        found.append(truncation.answers(data, truncating, extract, labelled=labelled, rng=rng, seed=seed))
    if (both := capability(model, Joint)) is not None:
        found.append(joint.answers(data, both, rng=rng))
    if readers is not None:
        if (pairing := capability(model, Pairs)) is not None:
            found.append(people.answers(data, pairing, readers, rng=rng, seed=seed))
        if (mixing := capability(model, StyleMixing)) is not None:
            found.append(styles.answers(data, mixing, readers, rng=rng))
        if model.conditional == "source" and has_two_domains(data):
            back = capability(model, Reconstruction)
            found.append(translation.answers(data, subject.samples, back, readers, rng=rng, seed=seed))
    measures = {title: measure for each in found for title, measure in each.measures.items()}
    return Answers(measures, tuple(table for each in found for table in each.tables))
