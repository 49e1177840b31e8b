"""Whom what was saved is told to: the audit log, the operator's numbers, and the user by another way than the page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from wsgi_mfa.core.events import Event
from wsgi_mfa.metrics import Meter

logger = logging.getLogger("wsgi_mfa")
audit_logger = logging.getLogger("wsgi_mfa.audit")

#: Events that the user is told of by another way than the page (R32), failures behind a right password too (R25).
NOTICES = frozenset(
    {
        "enrollment.confirmed",
        "app_password.made",
        "app_password.ended",
        "recovery_code.used",
        "recovery_code.replaced",
        "remembered_browser.added",
        "remembered_browser.reused",
        "clock.relearned",
        "lock.started",
        "budget.spent",
        "support.reset",
        "support.reset_asked",
        "support.limit_reached",
        "support.unlocked",
        "support.invited",
        "support.removed",
        "support.renamed",
    }
)


class Notifier:
    """Tells of events that are saved; ``notify`` is the portal's own way to the user, a mail for example."""

    def __init__(self, *, notify: Callable[[Event], None] | None, meter: Meter) -> None:
        self._notify = notify
        self._meter = meter

    def tell(self, events: tuple[Event, ...]) -> None:
        """Tell of these events, in their order; no failure of a way out is one of the request."""
        for event in events:
            self._meter.happened(event)
            if audit_logger.isEnabledFor(logging.INFO):
                details = " ".join(f"{name}={value!r}" for name, value in event.details)
                audit_logger.info("%s user=%r source=%r %s", event.kind, event.user, event.source, details)
            if self._notify is not None and is_notice(event):
                try:
                    self._notify(event)
                except Exception:  # a mail server that is down must not undo what is saved
                    logger.exception("the notice of event %s failed", event.id)


def is_notice(event: Event) -> bool:
    """Whether the user is told; showing a recovery code is told of from the second time on (D13).

    Of sessions that ended those that the support desk has ended.
    """
    if event.kind == "session.ended":
        return ("cause", "support") in event.details
    if event.kind == "recovery_code.shown":
        return ("count", "1") not in event.details
    return event.kind in NOTICES
