"""The reports of `mfa-sim run`: written when all is played, whatever came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mfa_simulator.play.batch import BatchResult
    from mfa_simulator.play.running import Play
    from mfa_simulator.problems import Problem
    from mfa_simulator.report.trace import Trace


@dataclass(kw_only=True, slots=True)
class Reports:
    """Which reports are wanted, each by the file that it goes to, and what they will tell."""

    junit_xml: Path | None = None
    ndjson: Path | None = None
    html: Path | None = None
    github: bool = False
    _traces: list[Trace] = field(default_factory=list, init=False)

    def noting(self, results: Iterable[BatchResult]) -> Iterator[BatchResult]:
        """Pass results on, and keep of each what a report tells."""
        for result in results:
            self.note(result.play, seconds=result.seconds)
            yield result

    def note(self, play: Play, *, seconds: float = 0.0) -> None:
        """Keep of a play, which took so long in real time, what a report tells."""
        if self.github or any((self.junit_xml, self.ndjson, self.html)):
            from mfa_simulator.report.trace import trace_of

            self._traces.append(trace_of(play, seconds=seconds))

    def write(self, files: Sequence[Path], problems: Sequence[Problem]) -> None:
        """Write what is wanted; a place that cannot be written to is an error that names it."""
        if self.github:
            from mfa_simulator.report.annotations import as_annotations

            click.echo(as_annotations(self._traces, problems), nl=False)
        if self.junit_xml is not None:
            from mfa_simulator.report.junit import as_junit

            _write("--junit-xml", self.junit_xml, as_junit(self._traces, problems))
        if self.ndjson is not None:
            from mfa_simulator.report.json_lines import as_lines

            _write("--ndjson", self.ndjson, as_lines(self._traces, problems))
        if self.html is not None:
            from mfa_simulator.report.html_page import as_page

            told = {trace.file for trace in self._traces}
            sources = {str(file): _source(file) for file in files if str(file) in told}
            _write("--html", self.html, as_page(self._traces, problems, sources))


def _source(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig")


def _write(option: str, path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{option} {path}: {error.strerror}") from error
