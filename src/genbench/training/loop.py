"""The only training loop.  It knows steps, checkpoints, averaging and curves, and nothing of any model."""

import copy
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from genbench.core import GenerativeModel, Phase, Splits
from genbench.runtime.machine import seed_of, set_random_state
from genbench.storage.files import InputError
from genbench.storage.weights import load_state
from genbench.training import checkpoint
from genbench.training.batches import batch_of_step
from genbench.training.execution import AS_WRITTEN, Execution
from genbench.training.following import Follower
from genbench.training.optimisers import fused, update_average
from genbench.training.progress import Progress
from genbench.training.watching import Watcher

CURVE_POINTS = 200


class Budget(NamedTuple):
    """steps: over all phases with objectives, divided by their shares.  ema: decay of the averaged weights, or 0.

    moments: at which the training is watched.  followed: at which samples are kept for scores, at most.
    """

    steps: int
    batch_size: int
    ema: float = 0.0
    moments: int = 8
    followed: int = 64


class Job(NamedTuple):
    """What a training is called, seeded with and resumed from.

    fingerprint: everything its result follows from; a checkpoint left under another one is not resumed.
    """

    run: str
    seed: int
    checkpoint: Path
    fingerprint: str


class CurvePoint(NamedTuple):
    """The mean loss of one objective since its last point; step counts over all phases."""

    step: int
    phase: str
    objective: str
    loss: float


class Record(NamedTuple):
    """What is left of a training beside the weights."""

    curve: list[CurvePoint]
    watcher: Watcher
    follower: Follower


def train(
    model: GenerativeModel, splits: Splits, budget: Budget, job: Job, how: Execution = AS_WRITTEN
) -> Record:
    """Fit a model in place, resuming from the job's checkpoint if it was left by the same fingerprint.

    A run that is killed and started again ends with the same bits as one left alone: the checkpoint holds weights,
    averages, optimisers and random state, and the batch of a step follows from (seed, step) alone.  Every process of
    a group calls this, and has the trained model at the end; the first has the frames and saves the checkpoints.

    Raises:
        InputError: no steps for a model that needs them, or a loss that is not finite.
    """
    phases = model.phases()
    ends = _phase_ends(phases, budget.steps, job.run)
    steps, group = ends[-1] if ends else 0, how.group
    how.prepare(model, job.run, steps=steps)
    torch.manual_seed(group.seed(job.seed))
    curve: list[CurvePoint] = []
    saved = checkpoint.load(job.checkpoint, job.fingerprint, group)
    if saved:
        load_state(model, saved["model"])
        curve = [CurvePoint(*point) for point in saved["curve"]]
    watched = steps if group.is_rank_zero else 0
    watcher = Watcher(model, watched, budget.moments, job.seed, saved["frames"] if saved else {})
    follower = Follower(
        model,
        splits,
        phases,
        steps=watched,
        trained=steps * budget.batch_size,
        moments=budget.followed,
        seed=job.seed,
        saved=saved["followed"] if saved else None,
    )
    first = saved["phase"] if saved else 0
    for number in range(first, len(phases)):
        phase, span = phases[number], range(ends[number - 1] if number else 0, ends[number])
        state = saved if number == first else None
        if phase.fit is not None and state is None:
            with group.same_random_state(seed_of(job.seed, "fit", number)), how.uncompiled():
                phase.fit(splits)
        if phase.objectives and span:
            _Loop(model, phase, number, span, splits, budget, job, watcher, follower, how).run(state, curve)
    watcher.look(watcher.steps)
    return Record(curve, watcher, follower)


class _Loop:
    """One phase with objectives; `span` is its stretch of the steps of the whole budget."""

    def __init__(
        self,
        model: GenerativeModel,
        phase: Phase,
        number: int,
        span: range,
        splits: Splits,
        budget: Budget,
        job: Job,
        watcher: Watcher,
        follower: Follower,
        how: Execution,
    ) -> None:
        self.model, self.phase, self.number, self.span = model, phase, number, span
        self.splits, self.budget, self.job, self.how = splits, budget, job, how
        self.watcher, self.follower = watcher, follower
        self.average = copy.deepcopy(model) if budget.ema else None
        self.optimizers = [
            fused(objective.optimizer(list(objective.parameters))) for objective in phase.objectives
        ]
        self.rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]

    def run(self, state: dict[str, Any] | None, curve: list[CurvePoint]) -> None:
        """Train, and leave the averaged weights in the model where there is an average."""
        start, end = self.span.start, self.span.stop
        sums = [[0.0, 0] for _ in self.phase.objectives]  # [sum of losses, count] since the last curve point
        if state:
            start, sums = state["step"], state["sums"]
            for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(values)
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            set_random_state(state["random"])
        every = max(1, self.budget.steps // CURVE_POINTS)
        last_save = time.monotonic()
        self.model.train()
        title, size = f"{self.job.run} {self.phase.name}", self.budget.batch_size
        with Progress(title, start, end, size, quiet=not self.how.group.is_rank_zero) as progress:
            for step in range(start, end):
                with self.how.uncompiled():
                    self.watcher.look(step)
                    self.follower.look(step)
                self.step(step, sums)
                if (step + 1) % every == 0 or step + 1 == end:
                    self.record(step + 1, sums, curve)
                progress.advance(step + 1, {point.objective: point.loss for point in curve[-4:]})
                if (
                    self.how.group.decide(time.monotonic() - last_save > checkpoint.SECONDS)
                    and step + 1 < end
                ):
                    self.save(step + 1, sums, curve)
                    last_save = time.monotonic()
        if end == self.follower.steps:  # as the steps left it: an average of weights would hide what they do
            with self.how.uncompiled():
                self.follower.look(end)
        if self.average is not None:
            self.model.load_state_dict(self.average.state_dict())

    def step(self, step: int, sums: list[list[Any]]) -> None:
        """Every objective whose turn it is: one batch, one backward into its own parameters, one update."""
        done = (step - self.span.start) / len(self.span)
        if self.phase.progress is not None:
            self.phase.progress(done)
        batch = self.how.group.shard(batch_of_step(self.splits, step, self.budget.batch_size, self.job.seed))
        for objective, optimizer, rates, total in zip(
            self.phase.objectives, self.optimizers, self.rates, sums, strict=True
        ):
            if (step + 1) % objective.every:
                continue
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * objective.schedule(done)
            with self.how.autocast():
                loss = objective.loss(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward(inputs=list(objective.parameters))
            mean = self.how.group.average(loss, objective.parameters)
            if objective.clip is not None:
                torch.nn.utils.clip_grad_norm_(objective.parameters, objective.clip)
            optimizer.step()
            total[0] += mean
            total[1] += 1
        if self.average is not None:
            update_average(self.average, self.model, self.budget.ema, step)

    def record(self, step: int, sums: list[list[Any]], curve: list[CurvePoint]) -> None:
        for objective, total in zip(self.phase.objectives, sums, strict=True):
            if not total[1]:
                continue
            loss = total[0] / total[1]
            if not math.isfinite(loss):
                raise InputError(
                    f"runs.{self.job.run}: the loss of objective {objective.name!r} is {loss} at step {step}; "
                    "expected a finite number (a smaller learning rate usually helps)"
                )
            curve.append(CurvePoint(step, self.phase.name, objective.name, loss))
            total[:] = [0.0, 0]

    def save(self, step: int, sums: list[list[Any]], curve: list[CurvePoint]) -> None:
        content = {
            "fingerprint": self.job.fingerprint,
            "phase": self.number,
            "step": step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "sums": sums,
            "curve": [tuple(point) for point in curve],
            "frames": self.watcher.taken,
            "followed": self.follower.state,
        }
        checkpoint.save(self.job.checkpoint, content, self.how.group)


def _phase_ends(phases: list[Phase], steps: int, run: str) -> list[int]:
    """The step at which each phase ends; phases without objectives take none."""
    trained = [phase.share if phase.objectives else 0.0 for phase in phases]
    if sum(trained) and not steps:
        raise InputError(
            f"runs.{run}.steps: missing; this model is trained by gradients, expected at least 1"
        )
    total = sum(trained) or 1.0
    return [round(steps * sum(trained[: i + 1]) / total) for i in range(len(phases))]
