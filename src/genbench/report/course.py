"""Did it collapse, did it oscillate: what the page shows of samples and of trainings, by the rules of `scoring`."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from genbench.report.results import Row, RunResult, short_name
from genbench.report.svg import Figure, line_chart, sparkline
from genbench.report.text import listed, minus
from genbench.scoring import collapse, dynamics

COLLAPSE_RULE, COURSE_RULE, HEALTHY = collapse.RULE, dynamics.RULE, dynamics.HEALTHY
# What samples of controls are to be called, by their making.
SAMPLES = {"real": "diverse", "few_images": "collapsed", "two_in_turns": "collapsed"}
ALARMING = {"collapsed", "drops classes", "collapses", "oscillates", "gets worse"}


@dataclass(frozen=True)
class Judged:
    """One run's row of a table that ends in a verdict: texts, empty where nothing was measured."""

    run: RunResult
    verdict: str

    @property
    def control(self) -> str | None:
        return self.run.control

    @property
    def alarming(self) -> bool:
        return self.verdict in ALARMING


@dataclass(frozen=True)
class Spread(Judged):
    """A row of the table on collapse."""

    held: str
    lost: str
    vendi: str = ""
    alike: str = ""
    support: str = ""
    bins: str = ""
    recall: str = ""


@dataclass(frozen=True)
class Course(Judged):
    """A row of the table on trainings, with its distance as a sparkline."""

    chart: Markup
    best: str = ""
    last: str = ""
    churn: str = ""
    returns: str = ""
    period: str = ""
    modes: str = ""


def samples_verdict(run: RunResult) -> str | None:
    """What the rule on collapse calls its samples; None where it was not asked."""
    found: str | None = run.metrics.get("collapse", {}).get("verdict")
    return found


def training_verdict(run: RunResult) -> str | None:
    """What the rule on trainings calls its own; None where too few samples of it were kept."""
    found: str | None = ((run.metrics.get("dynamics") or {}).get("scores") or {}).get("verdict")
    return found


def spreads(rows: Sequence[Row]) -> list[Spread]:
    """Every run of which collapse was asked, in the order of the rows."""
    return [
        _spread(run, run.metrics["collapse"]) for row in rows for run in row.runs if "collapse" in run.metrics
    ]


def planted_answer(rows: Sequence[Row]) -> tuple[str, bool] | None:
    """Whether the rules call the controls planted for them what they are, and whether one fails; None without any."""
    planted = [found for row in rows for run in row.runs for found in _planted(run)]
    if not planted:
        return None
    wrong = [f"{name} is called {said}, planted as {right}" for name, said, right in planted if said != right]
    if wrong:
        return f"The rules fail on controls: {listed(wrong)}.", True
    return (
        f"The rules call controls what they are: {listed([f'{name} {said}' for name, said, _ in planted])}.",
        False,
    )


def _planted(run: RunResult) -> Iterator[tuple[str, str, str]]:
    """Of a control: its name, what its samples and its training are called, and what they are planted as."""
    name, samples, training = short_name(run.name, run.dataset), samples_verdict(run), training_verdict(run)
    if samples and run.control == "few_classes":
        few = run.entry.get("classes", 1) < collapse.FEW * run.metrics["collapse"]["asked"]
        yield name, samples, "collapsed" if few else "drops classes"
    elif samples and run.control in SAMPLES:
        yield name, samples, SAMPLES[run.control]
    if training and run.control == "two_in_turns":
        yield f"the training of {name}", training, "oscillates"


def courses(rows: Sequence[Row]) -> list[Course]:
    """Every run whose training kept samples."""
    return [
        _course(run, run.metrics["dynamics"]) for row in rows for run in row.runs if "dynamics" in run.metrics
    ]


def alarms(row: Row) -> list[str]:
    """The alarming verdicts on the samples and trainings of a row's seeds, each once."""
    found = [verdict(run) for run in row.runs for verdict in (samples_verdict, training_verdict)]
    return list(dict.fromkeys(verdict for verdict in found if verdict in ALARMING))


def present(judged: Sequence[Judged], headers: dict[str, str]) -> dict[str, str]:
    """Those of the columns, by the names of their texts, that say something of some run."""
    return {part: header for part, header in headers.items() if any(getattr(each, part) for each in judged)}


def charts(run: RunResult) -> list[Figure]:
    """Over the training of one run: the distance, the modes held, and the change of shares between neighbours."""
    if "dynamics" not in run.metrics:
        return []
    found = run.metrics["dynamics"]
    steps, shares = np.array(found["step"], float), np.array(found["shares"])
    moved = np.abs(np.diff(shares, axis=0)).sum(1) / 2
    drawn = [
        (f"Fréchet distance, N {found['n']}", steps, np.array(found["distance"], float)),
        (f"modes held, of {found['of']}", steps, np.array(found["modes"], float)),
        ("total variation from the moment before", steps[1:], moved),
    ]
    return [
        Figure(caption, line_chart(f"{run.label}: {caption}, against step", at, values))
        for caption, at, values in drawn
    ]


def collapse_answer(rows: Sequence[Row]) -> tuple[str, bool] | None:
    """A sentence on the models' samples, and whether it is alarming; None where collapse was asked of none."""
    return _counted(samples_verdict, ("collapsed", "drops classes"), "diverse", rows)


def course_answer(rows: Sequence[Row]) -> tuple[str, bool] | None:
    """The same of the trainings that kept samples."""
    bad = ("oscillates", "collapses", "gets worse", "still improving")
    return _counted(training_verdict, bad, "converged", rows)


def _counted(
    verdict_of: Callable[[RunResult], str | None], named: Sequence[str], rest: str, rows: Sequence[Row]
) -> tuple[str, bool] | None:
    """How many runs of models are called `rest`, and which are called what is `named`; None where none is called."""
    runs = [run for row in rows if not row.control for run in row.runs]
    verdicts = {run.name: verdict for run in runs if (verdict := verdict_of(run))}
    if not verdicts:
        return None
    dataset = rows[0].dataset
    said = []
    for verdict in named:
        names = [short_name(name, dataset) for name, found in verdicts.items() if found == verdict]
        if names:
            said.append(f"{verdict}: {listed(names)}")
    count = sum(found == rest for found in verdicts.values())
    return f"{'; '.join([f'{count} of {len(verdicts)} {rest}', *said])}.", bool(
        ALARMING & set(verdicts.values())
    )


def _spread(run: RunResult, found: dict[str, Any]) -> Spread:
    if "vendi" not in found:
        return Spread(run, found["verdict"], _of(found), _listed(found["lost"]))
    known = [value for value in found["recall"] if value is not None]
    return Spread(
        run,
        found["verdict"],
        _of(found),
        _listed(found["lost"]),
        _against(found, "vendi", "{:.1f}"),
        _against(found, "alike", "{:.2f}"),
        _against(found, "support", "{:,.0f}"),
        f"{found['ndb']:.2f}",
        f"{min(known):.2f} … {max(known):.2f}" if known else "",
    )


def _course(run: RunResult, found: dict[str, Any]) -> Course:
    title = f"{run.label}: Fréchet distance against step"
    chart = sparkline(title, np.array(found["step"], float), np.array(found["distance"], float))
    scores = found["scores"]
    if scores is None:
        return Course(run, "", chart)
    sure = scores["p"] < dynamics.RARE
    return Course(
        run,
        scores["verdict"],
        chart,
        f"{scores['best']:.3g} at step {scores['best_step']:,}",
        f"{scores['last']:.3g}",
        minus(f"{scores['churn']:.3f}"),
        f"{scores['returns']:.2f}" if scores["lag"] else "0",
        (f"{scores['period']:,.0f} steps, " if sure else "") + f"g {scores['g']:.2f}, p {_p(scores['p'])}",
        f"{scores['ever']} − {scores['now']}, of {found['of']}",
    )


def _p(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 else "< 0.01" if value >= 1e-4 else "< 0.0001"


def _of(found: dict[str, Any]) -> str:
    return f"{found['held']} of {found['asked']}"


def _listed(lost: Sequence[int]) -> str:
    return ", ".join(map(str, lost[:10])) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")


def _against(found: dict[str, Any], name: str, form: str) -> str:
    """ "12.3 (12.1)": the value, and that of real data."""
    return f"{_value(found[name], form)} ({_value(found[f'{name}_real'], form)})"


def _value(estimate: dict[str, Any] | None, form: str) -> str:
    """∞ for a support without a pair of equal samples."""
    if estimate is None:
        return "–"
    value = estimate["value"]
    return "∞" if value is None or not math.isfinite(value) else form.format(value)
