"""A run as lines of JSON, one object a line, for programs that read while it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mfa_simulator.language.quantities import SECOND, clock_text
from mfa_simulator.problems import Problem
from mfa_simulator.report.trace import StepTrace, Trace


def as_lines(traces: Sequence[Trace], problems: Sequence[Problem]) -> str:
    """Give a line for each problem of a file, each scenario, each of its steps and its verdict, and one for the run.

    Each has a `type`: `problem`, `scenario`, `step`, `verdict`, `run`; instants are ISO 8601 in UTC, spans in seconds.
    """
    return "".join(json.dumps(said, ensure_ascii=False) + "\n" for said in _objects(traces, problems))


def _objects(traces: Sequence[Trace], problems: Sequence[Problem]) -> Iterator[dict[str, Any]]:
    for problem in problems:
        yield {
            "type": "problem",
            "file": problem.file,
            "line": problem.position.line,
            "column": problem.position.column,
            "rule": problem.rule,
            "message": problem.message,
        }
    for trace in traces:
        story = {"file": trace.file, "row": trace.row}
        yield {
            "type": "scenario",
            **story,
            "line": trace.line,
            "title": trace.title,
            "tags": list(trace.tags),
            "seed": trace.seed,
            "start": _instant(trace.start),
        }
        for step in trace.steps:
            yield {"type": "step", **story, **_step(step)}
        error = None
        if trace.crash is not None:
            error = {"line": trace.crash.line, "message": trace.crash.message}
        yield {
            "type": "verdict",
            **story,
            "verdict": trace.verdict,
            "steps": len(trace.steps),
            "error": error,
        }
    counts = {
        word: sum(trace.verdict == word for trace in traces)
        for word in ("passed", "failed", "broken", "error")
    }
    yield {"type": "run", **counts, "bad_files": len({problem.file for problem in problems})}


def _step(step: StepTrace) -> dict[str, Any]:
    return {
        "line": step.line,
        "verb": step.verb,
        "user": step.user,
        "browser": step.browser,
        "phone": step.phone,
        "at": _instant(step.at),
        "phone_error_seconds": None if step.phone_error is None else step.phone_error / SECOND,
        "outcome": step.outcome,
        "hint": step.hint,
        "requests": list(step.requests),
        "events": [note.text for note in step.notes if note.user is not None],
        "failures": [
            {"line": failure.line, "message": failure.message, "invariant": failure.invariant}
            for failure in step.failures
        ],
    }


def _instant(at: int) -> str:
    return clock_text(at).replace(" ", "T") + "Z"
