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
# The pages of the middleware, by their addresses below the mount path or, where they have none, by their names.
PAGE_NAMES = (
    "enroll",
    "enroll/manual",
    "enrollment-code",
    "verify",
    "methods",
    "recover",
    "recovery-code",
    "resync",
    "continue",
    "help",
    "refused",
    "unavailable",
    "restart",
    "two-sign-ins",
    "bad-request",
    "doubled",
    "forbidden",
    "method-not-allowed",
    "not-found",
    "plain-http",
    "too-large",
)
# What the audit record can hold.
EVENT_KINDS = (
    "enrollment.begun",
    "enrollment.confirmed",
    "enrollment_code.accepted",
    "sign_in.accepted",
    "step_up.accepted",
    "code.wrong",
    "budget.spent",
    "lock.started",
    "lock.restarted",
    "recovery_code.used",
    "recovery_code.retried",
    "recovery_code.shown",
    "recovery_code.saved",
    "recovery_code.replaced",
    "clock.first_code",
    "clock.relearned",
    "sign_out",
    "session.ended",
    "session.expired",
    "login.admitted",
    "key.rotated",
    "support.reset",
    "support.invited",
    "support.unlocked",
    "support.fenced",
    "support.removed",
    "support.renamed",
)
HINTS = ("clock_slow", "wait_for_next", "none")
