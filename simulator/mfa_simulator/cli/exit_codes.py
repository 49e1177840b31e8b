"""The exit codes of `mfa-sim`, which CI relies on."""

from __future__ import annotations

PASSED = 0
FAILED = 1
BAD_FILE = 2
BROKEN = 3
NOT_DETERMINISTIC = 4
ERROR = 5
