"""Judges the audit record: each change of an account is saved together with an event that tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mfa_simulator.invariants.call import JudgedCall, Save
from mfa_simulator.invariants.ledger import CODES, RECOVERY_CODES, Ledger
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from wsgi_mfa import Event
from wsgi_mfa.accounts import Account

ACCEPTED = ("sign_in.accepted", "step_up.accepted", "recovery_code.used", "enrollment.confirmed")
BY_DESK = ("support.reset", "support.removed", "support.renamed")
OPENED = (*ACCEPTED, "remembered_browser.used")


def _rules(before: Account, after: Account) -> Iterator[tuple[bool, str, tuple[str, ...]]]:
    """Give each change that may have happened, whether it did, its words, and the events of which one must tell."""
    old, new = before.authenticator, after.authenticator
    code, new_code = before.recovery_code, after.recovery_code
    sessions = {session.id for session in before.sessions}
    pending = {item.id for item in before.pending}
    bound = new is not None and (old is None or old.id != new.id)
    same = old is not None and new is not None and not bound
    yield bound, "a phone was bound", ("enrollment.confirmed", "support.renamed")
    yield old is not None and new is None, "the phone was forgotten", BY_DESK
    yield any(item.id not in sessions for item in after.sessions), "a session was opened", OPENED
    yield (
        any(item.id not in pending for item in after.pending),
        "an enrollment was begun",
        ("enrollment.begun",),
    )
    known = {browser.id: browser for browser in before.remembered_browsers}
    kept = {browser.id: browser for browser in after.remembered_browsers}
    yield bool(kept.keys() - known.keys()), "a browser was remembered", ("remembered_browser.added",)
    gone = ("remembered_browser.ended", "remembered_browser.reused")
    yield bool(known.keys() - kept.keys()), "a remembered browser was forgotten", gone
    used = any(kept[each] != known[each] for each in known.keys() & kept.keys())
    yield used, "a remembered browser was given another secret", ("remembered_browser.used",)
    made = new_code is not None and (code is None or code.id != new_code.id)
    yield (
        made,
        "a recovery code was made",
        ("recovery_code.used", "recovery_code.replaced", "enrollment.confirmed", "support.renamed"),
    )
    yield (
        code is not None and new_code is None,
        "the recovery code was forgotten",
        (*BY_DESK, "support.fenced"),
    )
    stored = (
        not made and code is not None and new_code is not None and new_code.acknowledged > code.acknowledged
    )
    yield stored, "a recovery code was stored", ("recovery_code.saved",)
    shown = not made and code is not None and new_code is not None and new_code.shown_count > code.shown_count
    yield shown, "a recovery code was shown", ("recovery_code.shown",)
    for kind in (CODES, RECOVERY_CODES):
        was, now = getattr(before, kind), getattr(after, kind)
        yield now.consecutive_count > was.consecutive_count, "a wrong answer was charged", ("code.wrong",)
        begun = now.locked_since is not None and now.locked_since != was.locked_since
        yield begun, "a lock began", ("lock.started", "lock.restarted")
    charged = sum(count for _, count in after.known_failures) > sum(
        count for _, count in before.known_failures
    )
    yield charged, "a wrong answer was charged to known browsers", ("code.wrong",)
    earlier = {browser.id for browser in before.known_browsers}
    later = {browser.id for browser in after.known_browsers}
    yield bool(later - earlier), "a browser became known", ("known_browser.added",)
    yield bool(earlier - later), "a browser is known no longer", ("known_browser.ended",)
    unlocking = after.unlock_code is not None and before.unlock_code != after.unlock_code
    yield unlocking, "an unlock code was given or shown", ("support.unlocked", "unlock_code.accepted")
    step = same and old is not None and new is not None and new.last_step != old.last_step
    telling = (
        *ACCEPTED,
        "clock.relearned",
        "code.late",
        "support.unlocked",
        "support.fenced",
        "support.renamed",
    )
    yield step, "the last accepted step moved", telling
    drift = same and old is not None and new is not None and new.drift_steps != old.drift_steps
    yield (
        drift,
        "the drift moved",
        (
            "sign_in.accepted",
            "step_up.accepted",
            "clock.relearned",
            "support.drift_forgotten",
            "support.renamed",
        ),
    )
    spelt = set(after.spellings) - {*before.spellings, after.user}
    yield (
        bool(spelt),
        "a spelling was bound",
        ("spelling.bound", "spelling.same", "spelling.apart", "support.renamed"),
    )
    first = after.first_code is not None and after.first_code != before.first_code
    carried = first and before.first_code is not None and after.first_code.at == before.first_code.at  # type: ignore[union-attr]
    yield first and not carried, "the first of two codes was kept", ("clock.first_code",)
    ended = {login.fingerprint for login in before.ended_logins}
    yield (
        any(login.fingerprint not in ended for login in after.ended_logins),
        "a login was ended",
        ("sign_out", "lock.started"),
    )
    invited = after.enrollment_code is not None and after.enrollment_code != before.enrollment_code
    yield invited, "an enrollment code was made", ("support.reset", "support.invited")


class AuditEventJudge:
    """Looks at each save and at what the store keeps of its events; `latest` gives the store's latest events."""

    def __init__(self, ledger: Ledger, latest: Callable[[int], list[Event]]) -> None:
        self._ledger = ledger
        self._latest = latest

    def judge(self, call: JudgedCall, save: Save) -> None:
        """Judge one save."""
        before = save.before or Account(user=save.after.user, generation="")
        kinds = save.kinds
        for happened, words, telling in _rules(before, save.after):
            if happened and not kinds.intersection(telling):
                told = ", ".join(sorted(kinds)) or "none"
                seen = f"{words}, and no event {' or '.join(telling)} was saved with it (events: {told})"
                self._ledger.report(invariant_names.EVENTS, seen, call, save)
        if not save.events and self._ended_alive(call, save):
            seen = "a session that was not over was ended, and no event was saved with it"
            self._ledger.report(invariant_names.EVENTS, seen, call, save)
        self._names(call, save)

    def _ended_alive(self, call: JudgedCall, save: Save) -> bool:
        left = {session.id for session in save.after.sessions}
        policy = call.policy
        return any(
            session.id not in left
            and 0 <= call.now - session.verified_at < policy.session_seconds_max * SECOND
            and 0 <= call.now - session.seen_at < policy.session_idle_seconds * SECOND
            for session in (save.before.sessions if save.before is not None else ())
        )

    def _names(self, call: JudgedCall, save: Save) -> None:
        strange = [event for event in save.events if event.user != save.after.user]
        if strange:
            seen = f"the event {strange[0].kind} of another user, {strange[0].user}, was saved"
            self._ledger.report(invariant_names.EVENTS, seen, call, save)
        unnamed = [event for event in save.events if event.save_id != save.after.revision]
        if unnamed:
            seen = f"the event {unnamed[0].kind} does not name the save that it tells of"
            self._ledger.report(invariant_names.EVENTS, seen, call, save)
        if save.events and tuple(self._latest(len(save.events))) != save.events:
            self._ledger.report(
                invariant_names.EVENTS, "the store did not keep the events of a save", call, save
            )
