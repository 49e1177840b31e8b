"""An exception that ended a story: no expectation failed, but the code did."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

from mfa_simulator.errors import PortalError

#: So many of the innermost calls are told.
CALLS_MAX = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Crash:
    """The end of a story: `message` and the calls that led to it, the innermost last, as `FILE:LINE in FUNCTION`.

    `line` is that of the step in the scenario file. A crash holds plain text only, so that it can be sent between
    processes whatever was raised.
    """

    line: int
    message: str
    calls: tuple[str, ...] = ()
    is_portal: bool = False

    @property
    def words(self) -> str:
        """The message, and where in the code it was raised."""
        return f"{self.message} ({self.calls[-1]})" if self.calls else self.message


def crash_of(error: BaseException, *, line: int) -> Crash:
    """Return the crash that an exception is, in the step at a line of the file."""
    if isinstance(error, PortalError):
        return Crash(line=line, message=str(error), is_portal=True)
    calls = tuple(
        f"{_short(frame.filename)}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-CALLS_MAX:]
    )
    text = str(error)
    return Crash(
        line=line, message=f"{type(error).__name__}: {text}" if text else type(error).__name__, calls=calls
    )


def _short(file: str) -> str:
    """Return the last two parts of a path, which tell the file and say nothing of this machine."""
    return "/".join(Path(file).parts[-2:])
