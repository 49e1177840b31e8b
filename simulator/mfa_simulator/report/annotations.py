"""A run as workflow commands, which GitHub shows beside the lines of a change."""

from __future__ import annotations

from collections.abc import Sequence

from mfa_simulator.language.check import annotation, as_github
from mfa_simulator.problems import Problem
from mfa_simulator.report.trace import Trace
from mfa_simulator.visible_text import visible_lines


def as_annotations(traces: Sequence[Trace], problems: Sequence[Problem]) -> str:
    """Give a line for each problem of a file and each failure, at the line of the expectation or of the step."""
    failures = "".join(
        annotation(visible_lines(failure.message), title=trace.name, file=trace.file, line=failure.line)
        for trace in traces
        for failure in trace.failures
    )
    return as_github((), problems) + failures
