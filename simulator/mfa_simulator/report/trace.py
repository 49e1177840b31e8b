"""What a report tells of a scenario that was played: plain values, small enough to keep for hundreds of them.

A play holds whole replies and accounts. A trace has what people look at: who did what when, which codes were good how
long, which sessions and locks stood. Instants are microseconds since 1970 UTC, true time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.play.running import Play, PlayedStep
from mfa_simulator.play.timeline import cells_of, place_of, timeline, verdict_of
from mfa_simulator.report.bands import Band, bands_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What failed in a step, at a line of the file; `invariant` is its name when one was broken."""

    line: int
    message: str
    invariant: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Something that happened at an instant; `worker` served it, or it is an event of `user`'s account."""

    at: int
    text: str
    worker: int | None = None
    user: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTrace:
    """One step: `at` is when its deciding request was sent, `cells` its row in the timeline."""

    line: int
    verb: str
    user: str | None
    browser: str | None
    phone: str | None
    worker: int | None
    began_at: int
    at: int
    ended_at: int
    typing: int
    phone_error: int | None
    outcome: str | None
    hint: str | None
    cells: tuple[str, ...]
    requests: tuple[str, ...]
    notes: tuple[Note, ...]
    failures: tuple[Failure, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One scenario as it was played; `verdict` is `passed`, `failed`, `broken` or `error`, `text` its timeline.

    `crash` is what ended it unexpectedly, and `seconds` how long it took in real time.
    """

    file: str
    line: int
    title: str
    row: str
    about: str
    tags: tuple[str, ...]
    seed: int
    start: int
    period: int
    workers: int
    verdict: str
    steps: tuple[StepTrace, ...]
    bands: tuple[Band, ...]
    text: str
    crash: Failure | None = None
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The title, with the row of the matrix where there is one."""
        return f"{self.title} [{self.row}]" if self.row else self.title

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All that failed, in the order of the story."""
        found = tuple(failure for step in self.steps for failure in step.failures)
        return found if self.crash is None else (*found, self.crash)


def trace_of(play: Play, *, seconds: float = 0.0) -> Trace:
    """Give the trace of a play that took so long in real time."""
    scenario, crash = play.scenario, play.crash
    policy = play.moments[-1].policy if play.moments else None
    return Trace(
        file=scenario.file,
        line=scenario.line,
        title=scenario.title,
        row=scenario.row,
        about=scenario.about,
        tags=scenario.tags,
        seed=scenario.seed,
        start=scenario.start,
        period=(policy.period_seconds if policy is not None else 30) * SECOND,
        workers=scenario.workers,
        verdict=verdict_of(play),
        steps=tuple(_step(moment) for moment in play.moments),
        bands=tuple(bands_of(play.moments)),
        text=timeline(play),
        crash=None if crash is None else Failure(line=crash.line, message=f"error: {crash.words}"),
        seconds=seconds,
    )


def _step(moment: PlayedStep) -> StepTrace:
    arguments = moment.step.arguments
    return StepTrace(
        line=moment.step.position.line,
        verb=moment.step.verb,
        user=arguments.get("user"),
        browser=arguments.get("browser"),
        phone=arguments.get("phone"),
        worker=arguments.get("worker"),
        began_at=moment.began_at,
        at=moment.at,
        ended_at=moment.ended_at,
        typing=arguments.get("typing") or 0,
        phone_error=moment.phone_error,
        outcome=moment.found.outcome,
        hint=moment.found.hint,
        cells=cells_of(moment),
        requests=tuple(exchange.summary for exchange in moment.exchanges),
        notes=tuple(_notes(moment)),
        failures=tuple(_failures(moment)),
        remarks=moment.found.remarks,
    )


def _notes(moment: PlayedStep) -> Iterator[Note]:
    for delivery in moment.deliveries:
        request = delivery.request
        yield Note(
            at=delivery.at,
            text=f"{request.method} {request.path} {delivery.response.summary}",
            worker=delivery.worker,
        )
    for event in moment.events:
        details = ", ".join(f"{name} {value}" for name, value in event.details)
        yield Note(at=event.at, text=f"{event.kind} ({details})" if details else event.kind, user=event.user)


def _failures(moment: PlayedStep) -> Iterator[Failure]:
    for difference in moment.failures:
        yield Failure(line=place_of(moment).line, message=difference)
    for broken in moment.broken:
        message = "\n".join(broken.lines)
        yield Failure(line=moment.step.position.line, message=message, invariant=broken.invariant)
