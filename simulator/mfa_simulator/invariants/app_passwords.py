"""Judges app passwords: each serves its own user, at its path, until it ends, and then nothing any more."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mfa_simulator.invariants.call import JudgedCall, Save
from mfa_simulator.invariants.ledger import Ledger
from mfa_simulator.invariants.rollout import ENDING
from mfa_simulator.language.format import invariant_names
from mfa_simulator.world.calendar import CALENDAR_OF, credentials_in
from mfa_simulator.world.http import Response
from mfa_simulator.world.reply_reader import read_reply

PAGE = "/mfa/app-passwords"
_FORM = re.compile(r"(.+?)(mfa(?:-[0-9a-z]{4}){6}-[0-9a-z])", re.DOTALL)
#: What some readers of a path resolve.
_UNPLAIN = re.compile(r"/\.|//|[;%]")
_SHOWN = re.compile(rb'id="app-password"[^>]*>([^<]*)<')
#: Answers that say nothing of an app password: too many wrong ones came from that address, or the store fails.
_UNJUDGED = ("locked", "unavailable", "error")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    """An app password that a page showed, and the id that the account keeps it by."""

    user: str
    id: str


class AppPasswordJudge:
    """Knows each app password that a page has shown; ``passwords`` are the portal's, by its users' names."""

    def __init__(self, ledger: Ledger, passwords: Mapping[str, str]) -> None:
        self._ledger = ledger
        self._passwords = passwords
        self._shown: dict[str, _Shown] = {}

    def is_good(self, call: JudgedCall) -> bool:
        """Return whether a request brings the password of a user with an app password that is good there now."""
        sent = _sent_in(call)
        if sent is None or _UNPLAIN.search(call.path) is not None:
            return False
        user, password, app_password = sent
        known, account = self._shown.get(app_password), self._ledger.accounts.get(user)
        if known is None or account is None or account.authenticator is None or known.user != user:
            return False
        kept = next((each for each in account.app_passwords if each.id == known.id), None)
        if kept is None or self._passwords.get(user) != password or call.now >= kept.expires_at:
            return False
        return kept.path in ("/", call.path) or call.path.startswith(kept.path + "/")

    def judge(self, call: JudgedCall, *, was_good: bool) -> None:
        """Judge the reply to a request; ``was_good`` is what :meth:`is_good` said before it was answered."""
        response, sent = call.response, _sent_in(call)
        if response is None:
            return
        self._look_for_secrets(call, response)
        if call.path == PAGE and call.fields:
            self._learn(call, response)
        served = next((value for name, value in response.headers_given if name == CALENDAR_OF), None)
        if served is not None and not was_good and not self.is_good(call):
            seen = f"the portal gave the calendar of {served} to a program without a good app password"
            self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, user=served)
        if served is not None and response.headers_named("Set-Cookie"):
            seen = "a cookie went out to a program, which has shown no second factor of its own"
            self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, user=served)
        outcome = read_reply(response).outcome
        asked_afresh = outcome == "step_up_required" and call.policy.rules
        if sent is None or served is not None or outcome in _UNJUDGED or asked_afresh:
            return
        if was_good and self.is_good(call) and not call.path.startswith("/mfa/"):
            seen = f"a good app password was answered {outcome or response.status}"
            self._ledger.report(invariant_names.ANSWER, seen, call, user=sent[0])

    def saved(self, call: JudgedCall, save: Save) -> None:
        """Judge the app passwords that a save adds, ends and leaves."""
        before = {each.id: each for each in save.before.app_passwords} if save.before is not None else {}
        after = {each.id: each for each in save.after.app_passwords}
        ended = [each for each in before.keys() - after.keys() if call.now < before[each].expires_at]
        for ids, kind in ((after.keys() - before.keys(), "app_password.made"), (ended, "app_password.ended")):
            if ids and kind not in save.kinds:
                seen = f"app passwords changed, and no event {kind} was saved with it"
                self._ledger.report(invariant_names.EVENTS, seen, call, save)
        if after and save.kinds.intersection((*ENDING, "support.fenced")):
            self._ledger.report(invariant_names.RESET_FINAL, "a reset left an app password", call, save)
        asking = save.is_binding or "recovery_code.used" in save.kinds
        if asking and any(each.asked_at is None for each in after.values()):
            seen = "a new phone or a recovery left an app password without asking whether to keep it"
            self._ledger.report(invariant_names.RESET_FINAL, seen, call, save)

    def judge_logs(self, call: JudgedCall) -> None:
        """Judge what was logged and saved meanwhile."""
        texts = [*call.logs, *(repr(save) for save in call.saves)] if self._shown else []
        if any(shown in text for shown in self._shown for text in texts):
            seen = "an app password is in a log line, an event or the stored account"
            self._ledger.report(invariant_names.SECRETS, seen, call)

    def _learn(self, call: JudgedCall, response: Response) -> None:
        found = _SHOWN.search(response.body)
        made = [save for save in call.saves if "app_password.made" in save.kinds]
        if found is None or not made or call.user is None:
            return
        app_password = html.unescape(found[1].decode())
        self._shown[app_password] = _Shown(user=call.user, id=made[-1].after.app_passwords[-1].id)

    def _look_for_secrets(self, call: JudgedCall, response: Response) -> None:
        if any(shown.encode() in response.body for shown in self._shown):
            seen = "an app password is in a reply that did not make it"
            self._ledger.report(invariant_names.SECRETS, seen, call)


def _sent_in(call: JudgedCall) -> tuple[str, str, str] | None:
    """Return the user, the password and the app password that a request brings in its header."""
    headers = call.request.headers if call.request is not None else ()
    header = next((value for name, value in headers if name.lower() == "authorization"), None)
    credentials = credentials_in(header) if header is not None else None
    form = _FORM.fullmatch(credentials[1]) if credentials is not None else None
    if credentials is None or form is None:
        return None
    return credentials[0].casefold(), form[1], form[2]
