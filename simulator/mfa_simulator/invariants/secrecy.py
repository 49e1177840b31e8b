"""Judges what is told: no key, code or cookie in a reply, a log line, an event or an account at rest.

What pages show is learned here too: the judges know a key or a recovery code only from the page that showed it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from functools import lru_cache

from mfa_simulator.errors import StepError
from mfa_simulator.invariants.call import (
    BROWSER_COOKIE,
    FIELDS,
    KNOWN_COOKIE,
    LOOK_ALIKES,
    SESSION_COOKIE,
    JudgedCall,
    Save,
    cookies_in,
    id_in,
)
from mfa_simulator.invariants.ledger import Ledger
from mfa_simulator.language.format import invariant_names
from mfa_simulator.world.http import CACHED_MAX, PAGES_CACHED_MAX, Headers, Response
from mfa_simulator.world.phone import AuthenticatorKey, key_from_uri
from wsgi_mfa.accounts import Account

KEY_PAGES = ("/mfa/enroll", "/mfa/enroll/manual")
SHOWS_KEY = (b"otpauth:", b'id="key"')
SHOWS_CODE = (b'id="recovery-code"', b'"recovery_code":')
KEY_LINK = re.compile(rb'href="(otpauth:[^"]*)"')
KEY_TEXT = re.compile(rb'id="key"[^>]*>([^<]*)<')
DESK = "/mfa/support"
ENROLLMENT_CODE_TEXT = re.compile(rb'id="caller-code"[^>]*>([^<]*)<')
CODE_TEXT = re.compile(rb'id="recovery-code"[^>]*>([^<]*)<')
COOKIES = (BROWSER_COOKIE, SESSION_COOKIE, KNOWN_COOKIE)


class SecrecyJudge:
    """Knows every secret that was shown, and looks for it everywhere else."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._keys: dict[str, tuple[bytes, ...]] = {}
        self._recovery_codes: dict[str, tuple[bytes, ...]] = {}
        # Every spelling of both.
        self._spellings: tuple[bytes, ...] = ()

    def replied(self, call: JudgedCall) -> None:
        """Learn from a reply what it may show, and judge the rest of it."""
        response = call.response
        if response is None:
            return
        body, cookies = response.body, self._cookies(call)
        if body and call.path.startswith("/mfa/"):
            if any(mark in body for mark in SHOWS_KEY):
                self._learn_key(call, response)
            if any(mark in body for mark in SHOWS_CODE):
                self._learn_recovery_code(call, response)
        if call.path == DESK and call.fields:
            found = ENROLLMENT_CODE_TEXT.search(body)
            if found is not None:
                self._ledger.enrollment_codes.append(found[1].decode().strip())
        # Most replies hold no secret at all, and are done with by one look.
        headers = _headers_in(response.headers)
        codes = (code.encode() for code in self._ledger.enrollment_codes)
        secrets = (*self._spellings, *cookies, *codes)
        if _held(body, secrets) or _holds(headers, secrets):
            self._judge_body(call, body, cookies)
            self._judge_data(call, headers, "the reply's headers", cookies)
        if call.fields:
            self._judge_typed(call, body, "the reply")
            self._judge_typed(call, headers, "the reply's headers")

    def _judge_body(self, call: JudgedCall, body: bytes, cookies: tuple[bytes, ...]) -> None:
        if _holds(body, self._spellings):
            pending = self._pending(call.user) if call.path in KEY_PAGES else frozenset()
            keys = (spellings for key_id, spellings in self._keys.items() if key_id not in pending)
            if any(_holds(body, spellings) for spellings in keys):
                self._tell(call, "a key", "the reply")
            shown = self._shown_code(call)
            codes = (spellings for code_id, spellings in self._recovery_codes.items() if code_id != shown)
            if any(_holds(body, spellings) for spellings in codes):
                self._tell(call, "a recovery code", "the reply")
        codes_of_the_desk = tuple(code.encode() for code in self._ledger.enrollment_codes)
        if _holds(body, codes_of_the_desk) and call.path != DESK:
            self._tell(call, "an enrollment code", "the reply's body")
        if _holds(body, cookies):
            self._tell(call, "a cookie", "the reply's body")

    def judge_save(self, call: JudgedCall, save: Save) -> None:
        """Judge the events of a save, and the account as it is kept."""
        self._judge_text(call, " ".join(map(repr, save.events)), "an event")
        self._judge_text(call, repr(save.after), "the stored account", typed=False)

    def judge_logs(self, call: JudgedCall) -> None:
        """Judge what was logged meanwhile."""
        for line in call.logs:
            self._judge_text(call, line, "a log line")

    def _judge_text(self, call: JudgedCall, text: str, where: str, *, typed: bool = True) -> None:
        self._judge_data(call, text.encode("utf-8", "replace"), where, self._cookies(call))
        if typed:
            self._judge_typed(call, text.encode("utf-8", "replace"), where)

    def _judge_data(self, call: JudgedCall, text: bytes, where: str, cookies: tuple[bytes, ...]) -> None:
        if _holds(text, self._spellings):
            for what, secrets in (("a key", self._keys), ("a recovery code", self._recovery_codes)):
                if any(_holds(text, spellings) for spellings in secrets.values()):
                    self._tell(call, what, where)
        if any(code.encode() in text for code in self._ledger.enrollment_codes):
            self._tell(call, "an enrollment code", where)
        if _holds(text, cookies):
            self._tell(call, "a cookie", where)

    def _judge_typed(self, call: JudgedCall, text: bytes, where: str) -> None:
        for name in FIELDS if call.fields else ():
            typed = call.fields.get(name, "").strip()
            if len(typed) < 6 or typed.encode("utf-8", "replace") not in text:
                continue
            # A code as a word of its own, not the digits of a colour or of something signed.
            alone = rf"(?<![\w#.+/=-]){re.escape(typed)}(?![\w.+/=-])"
            if re.search(alone, text.decode("utf-8", "replace")):
                self._tell(call, "the code that was typed", where)

    def _tell(self, call: JudgedCall, what: str, where: str) -> None:
        self._ledger.report(invariant_names.SECRETS, f"{what} stands in {where}", call)

    def _cookies(self, call: JudgedCall) -> tuple[bytes, ...]:
        sent = _cookies_sent(call.request.cookie) if call.request is not None else ()
        if call.response is None:
            return sent
        given = (call.response.cookies.get(name) for name in COOKIES)
        return (*sent, *(value.encode() for value in given if value is not None))

    def _account(self, user: str | None) -> Account | None:
        return self._ledger.accounts.get(user) if user is not None else None

    def _pending(self, user: str | None) -> frozenset[str]:
        account = self._account(user)
        return frozenset(item.id for item in account.pending) if account is not None else frozenset()

    def _shown_code(self, call: JudgedCall) -> str | None:
        """Give the recovery code that this reply may show: one that was not stored when it was asked for."""
        is_json = call.response is not None and "json" in (call.response.header("Content-Type") or "")
        if call.path != "/mfa/recovery-code" and not is_json:
            return None
        account = self._account(call.user)
        code = account.recovery_code if account is not None else None
        return code.id if code is not None and not code.acknowledged else None

    def _learn_key(self, call: JudgedCall, response: Response) -> None:
        key, account = _key_in(call, response), self._account(call.user)
        if key is None or account is None:
            return
        # A cookie that has run out is answered with another one, which the enrollment then belongs to.
        sent, given = call.cookies.get(BROWSER_COOKIE), response.cookies.get(BROWSER_COOKIE)
        browser = id_in(given) or id_in(sent)
        mine = [item for item in account.pending if item.browser == browser and item.id not in self._keys]
        if mine:
            self._ledger.keys[mine[-1].id] = key
            groups = " ".join(key.secret[at : at + 4] for at in range(0, len(key.secret), 4))
            self._keys[mine[-1].id] = (key.secret.encode(), groups.encode())
            self._spellings += self._keys[mine[-1].id]

    def _learn_recovery_code(self, call: JudgedCall, response: Response) -> None:
        account = self._account(call.user)
        code = account.recovery_code if account is not None else None
        shown = _recovery_code_in(response)
        if code is None or shown is None or code.id in self._ledger.recovery_codes:
            return
        bare = shown.upper().translate(LOOK_ALIKES)
        self._ledger.recovery_codes[code.id] = bare
        self._recovery_codes[code.id] = (shown.encode(), bare.encode())
        self._spellings += self._recovery_codes[code.id]


def _holds(text: bytes, secrets: Iterable[bytes]) -> bool:
    return any(map(text.__contains__, secrets))


# A portal gives the same page again and again.
_held = lru_cache(maxsize=PAGES_CACHED_MAX)(_holds)


@lru_cache(maxsize=CACHED_MAX)
def _headers_in(headers: Headers) -> bytes:
    """Give a reply's headers as one text, without the cookies that it sets."""
    lines = (f"{name}: {value}" for name, value in headers if name.lower() != "set-cookie")
    return "\n".join(lines).encode("utf-8", "replace")


@lru_cache(maxsize=CACHED_MAX)
def _cookies_sent(header: str) -> tuple[bytes, ...]:
    values = (cookies_in(header).get(name, "") for name in COOKIES)
    return tuple(value.encode("utf-8", "replace") for value in values if len(value) > 8)


def _members(response: Response) -> dict[str, object] | None:
    if "json" not in (response.header("Content-Type") or ""):
        return None
    try:
        values = json.loads(response.body)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _key_in(call: JudgedCall, response: Response) -> AuthenticatorKey | None:
    members = _members(response)
    if members is not None:
        uri = members.get("otpauth_uri")
    else:
        uri = _first(KEY_LINK, response)
        secret = _first(KEY_TEXT, response)
        if uri is None and secret is not None:
            return AuthenticatorKey(
                account=call.user or "",
                secret="".join(secret.split()),
                digits=call.policy.digits,
                period_seconds=call.policy.period_seconds,
                algorithm=call.policy.algorithm,
            )
    try:
        return key_from_uri(uri) if isinstance(uri, str) else None
    except (StepError, ValueError):
        return None


def _recovery_code_in(response: Response) -> str | None:
    members = _members(response)
    if members is not None:
        code = members.get("recovery_code")
        return code if isinstance(code, str) else None
    return _first(CODE_TEXT, response)


def _first(pattern: re.Pattern[bytes], response: Response) -> str | None:
    found = pattern.search(response.body)
    return html.unescape(found[1].decode("utf-8", "replace")).strip() or None if found else None
