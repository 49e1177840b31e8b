"""Lines of the log that are written once for each cause, so that clients cannot fill the log."""

from __future__ import annotations

import logging
from collections.abc import Hashable

CAUSES_MAX = 100  # after so many different causes nothing more is written


class LogOnce:
    """Writes each warning once."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._seen: set[int] = set()

    def warning(self, cause: Hashable, message: str, *arguments: object) -> None:
        """Write ``message``, unless ``cause`` has been written or too many others have."""
        seen = hash(cause)  # clients choose causes, of any length
        if seen in self._seen or len(self._seen) >= CAUSES_MAX:
            return
        self._seen.add(seen)
        self._logger.warning(message, *arguments)
