"""Errors that the middleware answers with a page, and that no rule foresaw: a handler of its log finds them."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mfa_simulator.errors import DirectoryDownError
from wsgi_mfa import MfaError, MfaMiddleware

#: The folder of the middleware: two above the module of its WSGI part.
_OURS = str(Path(inspect.getfile(MfaMiddleware)).parents[1])


class CrashLog(logging.Handler):
    """Keeps each logged exception that was raised in the middleware itself and is none of its own errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: list[str] = []

    def emit(self, entry: logging.LogRecord) -> None:
        """Keep a crash in words: the error, and the function that raised it."""
        error = entry.exc_info[1] if entry.exc_info else None
        if error is None or isinstance(error, (MfaError, DirectoryDownError)):
            return
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if frame.filename.startswith(_OURS)]
        # An error of the portal passes through the middleware, which is not to blame for it.
        if ours and (frames[-1].filename.startswith(_OURS) or not _is_of_a_portal(frames)):
            self._seen.append(f"{type(error).__name__} in {ours[-1].name}: {error}")

    def taken(self) -> list[str]:
        """Return the crashes since the last time."""
        seen, self._seen = self._seen, []
        return seen


def _is_of_a_portal(frames: traceback.StackSummary) -> bool:
    """Return whether the middleware called something that is no library: the wrapped application."""
    after = [frame for frame in frames if not frame.filename.startswith(_OURS)]
    return any(
        "site-packages" not in frame.filename and "lib/python" not in frame.filename for frame in after[1:]
    )


@contextmanager
def noting_crashes(name: str = "wsgi_mfa") -> Iterator[CrashLog]:
    """Read a logger meanwhile."""
    logger, crashes = logging.getLogger(name), CrashLog()
    logger.addHandler(crashes)
    try:
        yield crashes
    finally:
        logger.removeHandler(crashes)
