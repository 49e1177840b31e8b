"""The log of the servers that the command starts: one line for each entry, with its time in UTC."""

from __future__ import annotations

import logging
import time

#: docs/operating.md and docs/fail2ban/wsgi-mfa.conf describe it.
FORMAT = "%(asctime)sZ %(levelname)s %(name)s: %(message)s"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


class UtcFormatter(logging.Formatter):
    """Writes times in UTC, whatever the zone of the machine."""

    converter = staticmethod(time.gmtime)


def log_with_time() -> None:
    """Log to standard error in the documented format, if no handler is set up."""
    handler = logging.StreamHandler()
    handler.setFormatter(UtcFormatter(FORMAT, TIME_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
