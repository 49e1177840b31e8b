"""Judges who gets in: calls of the portal, session cookies that are handed out, and what a reset leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mfa_simulator.invariants.call import BROWSER_COOKIE, SESSION_COOKIE, JudgedCall, Save, cookies_in, id_in
from mfa_simulator.invariants.ledger import Grant, Ledger
from mfa_simulator.invariants.rollout import ENDING, UsersNotYetRequired
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.calendar import CALENDAR_OF
from mfa_simulator.world.http import Headers, Response
from mfa_simulator.world.portal import Portal
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Method

SIGN_OUT = "/mfa/sign-out"


class AccessJudge:
    """Knows which logins and which sessions are good; `passwords` are those of the portal, by its users' names."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        passwords: dict[str, str],
        not_yet_required: UsersNotYetRequired,
        portal: Callable[[], Portal],
    ) -> None:
        self._ledger = ledger
        self._passwords = passwords
        self._latecomers = not_yet_required
        self._portal = portal

    def password_changed(self, user: str, password: str) -> None:
        """Take a new password of a user of the portal."""
        self._passwords[user.casefold()] = password

    def user_removed(self, user: str) -> None:
        """Take note that the portal has no such user any more, and lets none of that user's logins in."""
        name = user.casefold()
        self._passwords.pop(name, None)
        for value in [value for value, owner in self._ledger.logins.items() if owner == name]:
            del self._ledger.logins[value]

    def user_of(self, cookies: Mapping[str, str]) -> str | None:
        """Give whose password was typed for the login that these cookies hold."""
        # Some portals quote their cookie (RFC 6265 lets them), and what they read has lost its quotes.
        portal = self._portal()
        value = cookies.get(portal.cookie, "").strip('"')
        if portal.user_of_login is not None:
            user = portal.user_of_login(self._ledger.session_ids.get(value, value))
            return user.casefold() if user is not None else None
        return self._ledger.logins.get(value)

    def saved(self, call: JudgedCall, save: Save, number: int) -> None:
        """Note which sessions a save ended, and judge what it left after a reset or a new phone."""
        self._note_keys(call, save)
        self._latecomers.saved(save)
        open_now = {session.id for session in save.after.sessions}
        for session in save.before.sessions if save.before is not None else ():
            grant = self._ledger.grants.get(session.id)
            if session.id not in open_now and grant is not None and grant.ended is None:
                grant.ended, grant.cause = number, ", ".join(sorted(save.kinds))
        for session in save.after.sessions:
            grant = self._ledger.grants.get(session.id)
            if grant is None:
                seen = f"the session {session.id[:6]} is open, and no second factor opened it"
                self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, save)
            elif grant.ended is not None:
                seen = (
                    f"the session {session.id[:6]} is open again; {grant.cause or 'something'} had ended it"
                )
                self._ledger.report(invariant_names.RESET_FINAL, seen, call, save)
            elif "recovery_code.retried" in save.kinds:
                grant.verified_at = session.verified_at
        self._left(call, save)

    def _note_keys(self, call: JudgedCall, save: Save) -> None:
        old = save.before.authenticator if save.before is not None else None
        new = save.after.authenticator
        if new is not None:
            if new.id in self._ledger.dead:
                seen = "a key from before a reset or a new phone is the active one again"
                self._ledger.report(invariant_names.RESET_FINAL, seen, call, save)
            self._ledger.bound.add(new.id)
        is_moved = "support.renamed" in save.kinds  # the key goes on under the new name
        if old is not None and (new is None or new.id != old.id) and not is_moved:
            self._ledger.dead.add(old.id)

    def _left(self, call: JudgedCall, save: Save) -> None:
        after, opened = save.after, call.opened(save)
        left = []
        if save.kinds.intersection(ENDING):
            if after.authenticator is not None:
                left.append("the phone")
            if after.recovery_code is not None:
                left.append("the recovery code")
            kept = after.sessions
        elif save.is_binding and save.before is not None:
            kept = tuple(session for session in after.sessions if session.id not in opened)
        else:
            return
        if kept:
            left.append(f"{len(kept)} open session{'s' if len(kept) > 1 else ''}")
        ids = {session.id for session in after.sessions if session not in kept}
        if any(retry.session_id not in ids for retry in after.retries):
            left.append("a retry of an earlier success")
        if after.pending:
            left.append("an enrollment that was begun before")
        if left:
            what = "a reset" if save.kinds.intersection(ENDING) else "a new phone"
            self._ledger.report(invariant_names.RESET_FINAL, f"{what} left {' and '.join(left)}", call, save)

    def reset_answered(self, call: JudgedCall, user: str) -> None:
        """The desk said that an account is reset: so it must be."""
        account = self._ledger.accounts.get(user)
        if account is None or not any(save.kinds.intersection(ENDING) for save in call.saves):
            self._ledger.report(
                invariant_names.RESET_FINAL, "the desk said reset, and nothing was saved", call, user=user
            )

    def judge(self, call: JudgedCall) -> None:
        """Judge the reply to a request, and whether the portal was asked."""
        response = call.response
        if response is None:
            return
        if response.from_app:
            self._app_called(call)
        self._signed_out(call, response)
        given = response.cookies.get(SESSION_COOKIE)
        if given is not None:
            self._handed_out(call, id_in(given) or "")
        self._note_login(call, response)

    def _note_login(self, call: JudgedCall, response: Response) -> None:
        """Note whose login the portal's cookie holds, as the portal set it and as the client got it."""
        name = self._portal().cookie
        set_by_portal, sent = response.cookies_given.get(name), response.cookies.get(name)
        if sent is not None:
            held = call.cookies.get(name, "")
            self._ledger.session_ids[sent] = set_by_portal or self._ledger.session_ids.get(held, held)
        user = self._who_signed_in(call) if set_by_portal or sent else None
        for login in filter(None, (set_by_portal, sent)):
            if user is not None:
                self._ledger.logins[login.strip('"')] = user
        self._judge_sealing(call, response)

    def _judge_sealing(self, call: JudgedCall, response: Response) -> None:
        """No client gets a cookie of the portal as the portal set it, but for those that scripts may read (D39)."""
        declared = self._portal().identity.credentials.cookies
        for name, value, is_hidden in _cookies_in(response.headers_given):
            if name in declared or is_hidden:
                self._ledger.cookies_in_clear.add((name, value))
        for name, value, _ in _cookies_in(response.headers):
            if (name, value) in self._ledger.cookies_in_clear:
                seen = f"the portal's cookie {name} went out in clear, as it opens the portal"
                self._ledger.report(invariant_names.SECRETS, seen, call)

    def _signed_out(self, call: JudgedCall, response: Response) -> None:
        """Whoever signed out, at the portal or on our page, has no session left in that browser."""
        by_portal = call.path == self._portal().sign_out and any(
            header.startswith(f"{self._portal().cookie}=") for header in response.headers_named("Set-Cookie")
        )
        account = self._ledger.accounts.get(call.user or "")
        if account is None or response.status >= 400 or not (by_portal or call.path == SIGN_OUT):
            return
        mine = id_in(call.cookies.get(SESSION_COOKIE))
        if any(session.id == mine for session in account.sessions):
            self._ledger.report(
                invariant_names.BOTH_FACTORS, "a browser signed out, and its session is still open", call
            )

    def _who_signed_in(self, call: JudgedCall) -> str | None:
        """Find whose name stands in one field and whose password in another, however the portal calls them.

        A cookie that the portal changes later is still that of the same user, unless it signs out.
        """
        if call.path == self._portal().sign_out:
            return None
        if (typed := self._typed_by(call)) is not None or call.response is None or not call.response.from_app:
            return typed or call.user
        # The portal may have been asked without the login, as for a user who has just signed out.
        return self.user_of(cookies_in(call.response.cookie_seen or ""))

    def _typed_by(self, call: JudgedCall) -> str | None:
        """Return the user whose name and password are among the fields of a request."""
        values = call.fields.values()
        typed = (name for value in values if (name := value.strip().casefold()) in self._passwords)
        return next((name for name in typed if self._passwords[name] in values), None)

    def _app_called(self, call: JudgedCall) -> None:
        response = call.response
        if response is None:
            return
        user = self._acted_for(response)
        told = response.user_seen
        if user is None and told is not None and CALENDAR_OF in dict(response.headers_given):
            return  # a program, whose app password is judged beside this
        if told is not None and told != user and (user is not None or self._portal().user_of_login is None):
            seen = f"the portal was told of {told}, and the login that it saw is that of {user or 'nobody'}"
            self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, user=told)
            return
        login = response.cookies.get(self._portal().cookie)
        if login is not None and user is None:
            self._signed_in(call)
        if user is None:
            return
        session_id = id_in(call.cookies.get(SESSION_COOKIE))
        grant = self._ledger.grants.get(session_id or "")
        trouble = self._trouble(call, user, grant)
        if trouble is not None:
            invariant = (
                invariant_names.RESET_FINAL
                if grant and "support.reset" in grant.cause
                else invariant_names.BOTH_FACTORS
            )
            self._ledger.report(invariant, f"the portal was called for {user} {trouble}", call, user=user)
        elif grant is not None:
            grant.seen_at = max(grant.seen_at, call.now)

    def _acted_for(self, response: Response) -> str | None:
        """Return the user whom the portal took the client for: by its own word, else by the cookie that it got."""
        if self._portal().user_of_login is not None:
            return response.acted_for.casefold() if response.acted_for is not None else None
        return self.user_of(cookies_in(response.cookie_seen or ""))

    def _signed_in(self, call: JudgedCall) -> None:
        """A response that signs somebody in must not go out before the second factor (R72)."""
        response, user = call.response, self._typed_by(call)
        if response is None or user is None or self._latecomers.has(user, call):
            return
        grant = self._ledger.grants.get(id_in(call.cookies.get(SESSION_COOKIE)) or "")
        if grant is not None and self._trouble(call, user, grant) is None:
            return  # a user who confirms the own password
        location = (response.header("Location") or "").partition("?")[0]
        if response.status in (401, 403, 503) or location.startswith("/mfa/"):
            return
        seen = f"the portal's own answer to the sign-in of {user} went out: {response.summary}"
        self._ledger.report(invariant_names.BOTH_FACTORS, seen, call, user=user)

    def _trouble(self, call: JudgedCall, user: str, grant: Grant | None) -> str | None:
        if grant is None:
            return None if self._latecomers.has(user, call) else "without a second factor"
        if grant.user != user:
            return f"by a second factor of {grant.user}"
        if grant.ended is not None and grant.ended < call.number:
            return f"in a session that had been ended by {grant.cause or 'a change without an event'}"
        return _overdue(grant, call.now, call.policy)

    def _handed_out(self, call: JudgedCall, session_id: str) -> None:
        """A session's cookie goes to who opened it, or to the same browser that repeats itself (D10)."""
        grant = self._ledger.grants.get(session_id)
        if grant is None:
            seen = "a session cookie was handed out for a session that is not saved"
            self._ledger.report(invariant_names.BOTH_FACTORS, seen, call)
            return
        if any(session_id in call.opened(save) for save in call.saves):
            return
        is_code = grant.method == Method.CODE.value
        typed = call.typed("code" if is_code else "recovery_code")
        late = is_code and call.now - grant.opened_at >= call.policy.retry_seconds * SECOND
        same = grant.browser == id_in(call.cookies.get(BROWSER_COOKIE)) and grant.typed == typed
        if not same or late:
            whose = "the same browser, too late" if same else "another browser, or for another code"
            invariant = invariant_names.CODE_ONCE if is_code else invariant_names.RECOVERY_ONCE
            self._ledger.report(invariant, f"an open session was handed out once more to {whose}", call)


def _overdue(grant: Grant, now: int, policy: Policy) -> str | None:
    """Say by which limit a session should have ended; the idle limit is longer by its grain (R52, D23)."""
    idle_seconds = policy.session_idle_seconds + policy.session_idle_seconds // 60
    if now - grant.verified_at >= policy.session_seconds_max * SECOND:
        return f"{(now - grant.verified_at) // SECOND} s after the second factor"
    if now - grant.seen_at >= idle_seconds * SECOND:
        return f"in a session idle for {(now - grant.seen_at) // SECOND} s"
    return None


def _cookies_in(headers: Headers) -> Iterator[tuple[str, str, bool]]:
    """Yield name, value and HttpOnly of the cookies that headers set, without those that they take away."""
    for header_name, header in headers:
        if header_name.lower() == "set-cookie":
            pair, _, attributes = header.partition(";")
            name, _, value = pair.partition("=")
            value = value.strip(' "')
            if value:
                yield name.strip(), value, "httponly" in attributes.lower()
