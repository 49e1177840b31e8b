"""A run as one page that needs nothing else: open it from a disk, or keep it beside a build.

Everything can be read without JavaScript, in tables. With it, each story is drawn when it is opened: a lane for each
account, browser, phone, worker and the support desk over virtual time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mfa_simulator.language.quantities import SECOND, duration_text
from mfa_simulator.play.timeline import HEADINGS
from mfa_simulator.problems import Problem
from mfa_simulator.report.trace import Note, StepTrace, Trace

MILLISECOND = SECOND // 1000
GOOD = frozenset({"signed_in", "welcome", "resynced", "reset", "unlocked", "signed_out"})
BAD = frozenset({"wrong_code", "used_code", "locked", "refused", "timeout", "error", "unavailable"})
DESK = frozenset({"support_reset", "support_unlock"})
SERVER = frozenset({"server_clock", "restart", "rotate_keys", "change_policy", "store_fails"})
NOTES_MAX = 50
LANE_NAMES = {"user": "account", "browser": "browser", "phone": "phone", "worker": "worker", "desk": "desk"}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    return environment


def as_page(traces: Sequence[Trace], problems: Sequence[Problem], sources: dict[str, str]) -> str:
    """Give the page; `sources` are the texts of the files by the paths that the traces name."""
    counts = {
        word: sum(trace.verdict == word for trace in traces)
        for word in ("passed", "failed", "broken", "error")
    }
    numbers = {file: number for number, file in enumerate(sources)}
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            headings=HEADINGS,
            stories=[_story(trace, number, numbers) for number, trace in enumerate(traces)],
            counts=counts,
            problems=problems,
            sources=[(numbers[file], file, text.splitlines()) for file, text in sources.items()],
        )
    )


def _story(trace: Trace, number: int, files: dict[str, int]) -> dict[str, Any]:
    span = trace.steps[-1].ended_at - trace.start if trace.steps else 0
    return {
        "id": f"s{number}",
        "file_id": f"f{files[trace.file]}" if trace.file in files else None,
        "trace": trace,
        "span": duration_text(span),
        "rows": [_row(step) for step in trace.steps],
        "drawing": drawing_of(trace),
    }


def _row(step: StepTrace) -> dict[str, Any]:
    return {"step": step, "mark": _mark(step), "sent": step.requests if step.failures else ()}


def _mark(step: StepTrace) -> str:
    if step.failures:
        return "failed"
    outcome = step.outcome or ""
    return "good" if outcome in GOOD else "bad" if outcome in BAD else "plain"


def drawing_of(trace: Trace) -> dict[str, Any]:
    """Give what the page's script draws; instants in milliseconds since the story's start.

    `lanes` are pairs of a kind and a name. `marks` are lists of instant, lane, look, number of the step and, where it
    is not the step itself, number of the text; `bands` of kind, lane, from, to, text and, for a code, from when to when
    its phone shows it; `reads` of instant and lane of a phone, and of the browser into which its code was typed.
    """
    lanes = list(dict.fromkeys(_lanes(trace)))
    at = {lane: number for number, lane in enumerate(lanes)}
    texts: dict[str, int] = {}

    def when(instant: int) -> int:
        return (instant - trace.start) // MILLISECOND

    marks: list[list[int | str]] = []
    reads = []
    for number, step in enumerate(trace.steps):
        for lane in _lanes_of(step):
            on_phone = lane[0] == "phone"
            own = _read_at(step) if on_phone else step.at
            marks.append([when(own), at[lane], "read" if on_phone else _mark(step), number])
        if step.phone and step.browser:
            phone, browser = at["phone", step.phone], at["browser", step.browser]
            reads.append([when(_read_at(step)), phone, when(step.at), browser])
        for note, text in _few(step.notes):
            lane = ("worker", str(note.worker)) if note.worker else ("user", note.user or "")
            look = "request" if note.worker else "event"
            marks.append([when(note.at), at[lane], look, number, texts.setdefault(text, len(texts))])
    bands = [
        [band.kind, at[band.lane], when(band.from_at), when(band.to_at), band.label]
        + ([] if band.shown_from is None else [when(band.shown_from), when(band.shown_to or 0)])
        for band in trace.bands
        if band.lane in at
    ]
    return {
        "start": trace.start // MILLISECOND,
        "period": trace.period // MILLISECOND,
        "lanes": [[LANE_NAMES[kind], name] for kind, name in lanes],
        "texts": list(texts),
        "marks": marks,
        "bands": bands,
        "reads": reads,
    }


def _few(notes: Sequence[Note]) -> Iterator[tuple[Note, str]]:
    """Give notes with their texts, the same at the same moment once; of a step that has very many the first ones."""
    told = Counter(notes)
    for note, count in list(told.items())[:NOTES_MAX]:
        yield note, f"{count} times {note.text}" if count > 1 else note.text
    if len(told) > NOTES_MAX:
        yield notes[-1], f"and {len(told) - NOTES_MAX} more until here"


def _lanes(trace: Trace) -> Iterator[tuple[str, str]]:
    """Give every lane, accounts first, then browsers, phones, workers and the desk, each as it first appears."""
    lanes = [lane for step in trace.steps for lane in _lanes_of(step)]
    notes = [note for step in trace.steps for note in step.notes]
    lanes += [("user", note.user) for note in notes if note.user is not None]
    lanes += [band.lane for band in trace.bands if band.kind == "lock"]
    yield from (lane for lane in lanes if lane[0] == "user")
    yield from (lane for lane in lanes if lane[0] == "browser")
    yield from (lane for lane in lanes if lane[0] == "phone")
    yield from (("worker", str(number)) for number in range(1, trace.workers + 1))
    yield from (lane for lane in lanes if lane[0] == "desk")


def _lanes_of(step: StepTrace) -> Iterator[tuple[str, str]]:
    """Give the lanes on which a step stands; what only lets time pass stands on none."""
    if step.verb in DESK:
        yield "desk", "support"
    if step.verb in SERVER:
        yield "worker", str(step.worker or 1)
    if step.browser is not None:
        yield "browser", step.browser
    if step.phone is not None:
        yield "phone", step.phone


def _read_at(step: StepTrace) -> int:
    """When the user looked at the phone: before typing, in a step that types."""
    return max(step.began_at, step.at - step.typing)
