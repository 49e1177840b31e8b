"""The words for what a step came to."""

from __future__ import annotations

PAGES = (
    "signed_in",
    "must_enroll",
    "must_verify",
    "must_save_recovery_code",
    "wrong_code",
    "used_code",
    "locked",
    "refused",
    "resynced",
    "signed_out",
    "welcome",
    "sign_in_required",
    "unavailable",
    "step_up_required",
    "timeout",
    "error",
)
DESK = ("reset", "unlocked", "refused", "unavailable", "error")
ALL = tuple(dict.fromkeys((*PAGES, *DESK)))
HINTS = ("clock_slow", "wait_for_next", "none")
