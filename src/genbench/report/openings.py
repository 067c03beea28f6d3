"""The sentence that each part of a section starts with: what it found, made from its numbers."""

from collections.abc import Mapping, Sequence

from genbench.report.agreement import Agreement
from genbench.report.findings import Finding
from genbench.report.results import Measured, Row
from genbench.report.text import listed, minus
from genbench.report.verdict import Judgement
from genbench.scoring.estimates import Estimate

SHARED = 3  # systems of which a measure is worth a sentence
ASKED = {  # part of a section -> the questions that it answers
    "likelihood": ("How likely is new data?",),
    "collapse": ("Did it collapse?", "Do these rules hold?"),
    "course": ("Did the training settle?",),
}


def openings(
    rows: Sequence[Row],
    judgement: Judgement,
    agreed: Agreement | None,
    shares: Mapping[str, Sequence[float]],
    reference: Sequence[float],
    found: Sequence[Finding],
) -> dict[str, str]:
    """Part of a section -> its sentence; none for a part that has nothing to say, or is not there.

    shares: by name of the row, of the classes of its samples.  reference: those that they should be.
    """
    answers = {finding.question: finding.answer for finding in found}
    said = {
        **{
            part: " ".join(answers[each] for each in asked if each in answers)
            for part, asked in ASKED.items()
        },
        "power": _power(judgement),
        "copying": _copying(rows, judgement),
        "agreement": _agreement(agreed),
        "histogram": _histogram(rows, shares, reference),
    }
    return {part: minus(sentence) for part, sentence in said.items() if sentence}


def measured(measures: Mapping[str, Sequence[Measured]]) -> list[str]:
    """A sentence for each measure that several systems share and that has a better side.

    measures: title -> what each run found; where one without a better side is called "title, name", it is what the
    measure of that title is held against.
    """
    told = []
    for title, found in measures.items():
        systems = [each for each in found if not each.run.control]
        if len(systems) < SHARED or not systems[0].arrow:
            continue
        against = [
            _against(systems, others, name.removeprefix(f"{title}, "))
            for name, others in measures.items()
            if name.startswith(f"{title}, ") and not others[0].arrow
        ]
        told.append(minus("; ".join([f"{title}: {_ahead(systems)}", *filter(None, against)]) + "."))
    return told


def _ahead(systems: Sequence[Measured]) -> str:
    """Who has the best value, and whose intervals overlap with its own."""
    sign = -1 if systems[0].arrow == "↑" else 1
    order = sorted(systems, key=lambda each: sign * each.estimate.value)
    best, others = order[0], order[1:]
    value = f"{best.estimate.value:.3g}"
    if not best.estimate.has_interval:
        return f"{best.run.label} has the best value, {value}, without an interval"
    near = [each.run.label for each in others if not apart(best.estimate, each.estimate)]
    if near:
        return f"no single winner, {best.run.label} has {value}, its interval overlaps with {listed(near)}"
    return f"{best.run.label} leads with {value}, its interval apart from all others"


def _against(systems: Sequence[Measured], others: Sequence[Measured], name: str) -> str:
    """Of how many systems the measure is better than what it is held against, both intervals apart."""
    held = {each.run.name: each.estimate for each in others}
    both = [(each, held[each.run.name]) for each in systems if each.run.name in held]
    if not both:
        return ""
    up = systems[0].arrow == "↑"
    behind = [
        each.run.label
        for each, other in both
        if not (apart(each.estimate, other) and (each.estimate.value > other.value) == up)
    ]
    if not behind:
        return f"against {name} all {len(both)} are better, beyond noise"
    return f"against {name} {len(both) - len(behind)} of {len(both)} are better, beyond noise; not {listed(behind)}"


def apart(a: Estimate, b: Estimate) -> bool:
    """Whether two intervals do not overlap."""
    (low, high), (least, most) = a.interval, b.interval
    return high < least or low > most


def _power(judgement: Judgement) -> str | None:
    if not judgement.powers:
        return None
    blind = [power.score.label for power in judgement.powers if not power.informative]
    count = len(judgement.powers)
    if not blind:
        return f"All {count} scores tell every control that they should."
    able = f"{count - len(blind)} of {count} scores tell every control that they should"
    return f"{able}; not informative here: {listed(blind)}."


def _copying(rows: Sequence[Row], judgement: Judgement) -> str | None:
    """What the scores of copies that can tell them say of the systems."""
    asked = [power for power in judgement.powers if power.score.copying]
    if not asked:
        return None
    able = [power.score.label for power in asked if power.informative]
    if not able:
        return "No score can tell copies from new data here."
    said = f"What can tell copies from new data here: {listed(able)}."
    if not judgement.verdicts:
        return said
    bad = [row.label for row in rows if not row.control and judgement.of(row) in ("copies", "suspicious")]
    return f"{said} Together they raise a doubt about {listed(bad) if bad else 'no system'}."


def _agreement(agreed: Agreement | None) -> str | None:
    """The pair of extractors that agree least, over the models."""
    if agreed is None or agreed.warning:
        return agreed and agreed.warning
    models = next((ranking for ranking in agreed.rankings if ranking.of == "models"), None)
    taus = [tau for each in models.taus for tau in each if tau] if models else []
    if not models or not taus:
        return None
    least = min(taus, key=lambda tau: tau.value)
    interval = f"[{least.low:z.2f}, {least.high:z.2f}]"
    return (
        f"No two extractors clearly disagree: the smallest τ between two is {least.value:z.2f} {interval} over "
        f"{models.n} models."
    )


def _histogram(
    rows: Sequence[Row], shares: Mapping[str, Sequence[float]], reference: Sequence[float]
) -> str | None:
    """The systems nearest to and farthest from the shares of classes that there should be."""
    of_systems = {row.label: shares[row.name] for row in rows if not row.control and row.name in shares}
    far = {
        label: sum(abs(a - b) for a, b in zip(own, reference, strict=True)) / 2
        for label, own in of_systems.items()
    }
    if not far:
        return None
    last, first = max(far, key=lambda name: far[name]), min(far, key=lambda name: far[name])
    if len(far) == 1:
        return f"{first} has {100 * far[first]:.1f} % of its samples in other classes than they should be."
    lost = [label for label, own in of_systems.items() if 0 in own]
    return (
        f"{first} is nearest to the shares that there should be: {100 * far[first]:.1f} % of its samples would have to "
        f"change class. {last} is farthest from them ({100 * far[last]:.1f} %). "
        + (f"Without a sample of some class: {listed(lost)}." if lost else "Every system has every class.")
    )
