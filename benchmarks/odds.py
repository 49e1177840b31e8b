"""The odds that a password thief guesses a code within a year, by the rule book itself.

A thief has the password and guesses for 365 days, always first: every guess that would be judged is made before the
user comes. Some thieves also have a copy of the cookie that makes a browser known. The user comes each morning with a
known browser, and does what the row says where no code lets them in.

A second table has users without a thief, and with one: how often they mistype, and how often no code lets them in.
Every decision is one of :func:`wsgi_mfa.core.engine.decide`. Nothing here knows a limit but by its answers; only the
thief who stops one short of each cap reads the account, which is more than a thief can see.

Run ``python benchmarks/odds.py``, or with ``--markdown`` for the tables of the documentation. With ``--check`` it fails
where SECURITY.md does not have one of their rows as they come out now. It takes two minutes.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from wsgi_mfa import Policy
from wsgi_mfa.core import commands, known_browsers, recovery_codes, throttle
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Command, NewKey, NewRecoveryCode, Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Hint, Outcome
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.instants import DAY, HOUR, SECOND
from wsgi_mfa.core.odds import odds_of, wrong_codes_a_year
from wsgi_mfa.core.totp import code_at, step_at

START = 20_454 * DAY  # 2026-01-01
MORNING = 9 * HOUR
DAYS = 365
ODDS_TARGET = 0.0047
MORNINGS_TARGET = 0.95


@dataclass
class Life:
    """One account in virtual time; what stands for a sealed value is looked up in a dictionary."""

    policy: Policy
    now: int = START
    account: Account = field(default_factory=lambda: Account(user="user1", generation="0"))
    secrets: dict[str, bytes] = field(default_factory=dict)
    count: int = 0

    def fresh(self, word: str) -> str:
        self.count += 1
        return f"{word}-{self.count}"

    def submit(self, command: Command) -> Decision:
        decision = decide(self.account, command, Context(now=self.now, policy=self.policy))
        if decision.account is not None:
            self.account = replace(decision.account, revision=self.fresh("revision"))
        return decision

    def new_code(self, symbols: int) -> str:
        """A one-time code; returns the name of its sealed digest."""
        name = self.fresh("code")
        text = recovery_codes.code_from(hashlib.sha512(name.encode()).digest(), symbols)
        self.secrets[name] = recovery_codes.digest(text, name.encode().ljust(16)[:16])
        self.secrets[f"copy of {name}"] = text.encode()
        return name

    def new_recovery_code(self) -> NewRecoveryCode:
        name = self.new_code(self.policy.recovery_code_symbols)
        return NewRecoveryCode(id=name, sealed_digest=name, sealed_copy=f"copy of {name}")


@dataclass
class Visitor:
    """A browser behind the password: its cookies, and what it can do."""

    life: Life
    login: str = "login"
    browser: str = ""
    session_id: str | None = None
    known_secret: str | None = None
    note: str = ""  # the recovery code on paper
    phone: bytes = b""
    offset_seconds: int = 0

    def __post_init__(self) -> None:
        self.browser = self.browser or self.life.fresh("browser")

    def origin(self) -> Origin:
        return Origin(
            browser=self.browser,
            next_browser=self.life.fresh("browser"),
            login=self.login,
            known_secrets=() if self.known_secret is None else (self.known_secret,),
        )

    def shown_code(self, steps: int = 0) -> str:
        parameters = self.life.policy.key_parameters()
        instant = self.life.now + self.offset_seconds * SECOND
        return code_at(
            self.phone, step_at(instant, period_seconds=parameters.period_seconds) + steps, parameters
        )

    def enroll(self) -> Decision:
        """Bind a new phone in the session that this browser has, if it needs one."""
        life, origin = self.life, replace(self.origin(), session_id=self.session_id)
        sealed = life.fresh("key")
        life.secrets[sealed] = self.phone = hashlib.sha256(sealed.encode()).digest()[:20]
        key = NewKey(id=life.fresh("id"), sealed_key=sealed, parameters=life.policy.key_parameters())
        begun = life.submit(commands.BeginEnrollment(origin=origin, key=key, restart=True))
        if begun.pending is None:
            return begun
        return self.arrived(
            life.submit(
                commands.ConfirmEnrollment(
                    origin=origin,
                    pending_id=key.id,
                    code=self.shown_code(),
                    key=self.phone,
                    fingerprint=life.fresh("typed"),
                    session_id=life.fresh("session"),
                    generation=life.fresh("generation"),
                    recovery_code=life.new_recovery_code(),
                    known_secret=life.fresh("known"),
                )
            )
        )

    def enter(self, code: str) -> Decision:
        held, life = self.life.account.authenticator, self.life
        assert held is not None
        return self.arrived(
            life.submit(
                commands.VerifyCode(
                    origin=self.origin(),
                    code=code,
                    key=life.secrets[held.sealed_key],
                    fingerprint=life.fresh("typed"),
                    session_id=life.fresh("session"),
                    known_secret=life.fresh("known"),
                )
            )
        )

    def resync(self) -> Decision:
        """Type two consecutive codes, which tell how far the phone's clock is off."""
        life, decision, kept = self.life, None, None
        held = life.account.authenticator
        assert held is not None
        for _ in range(2):
            code = self.shown_code()
            decision = life.submit(
                commands.ResyncClock(
                    origin=self.origin(),
                    code=code,
                    key=life.secrets[held.sealed_key],
                    fingerprint=life.fresh("typed"),
                    sealed_code="first",
                    first_code=kept,
                    asked_for_first=kept is None,
                )
            )
            kept = code
            life.now += 30 * SECOND
        assert decision is not None
        return decision

    def recover(self) -> Decision:
        life, code = self.life, self.life.account.recovery_code
        assert code is not None
        return self.arrived(
            life.submit(
                commands.SignInByRecoveryCode(
                    origin=self.origin(),
                    code=self.note,
                    opened=life.secrets[code.sealed_digest],
                    fingerprint=self.note,
                    session_id=life.fresh("session"),
                    recovery_code=life.new_recovery_code(),
                    known_secret=life.fresh("known"),
                )
            )
        )

    def show_unlock_code(self) -> Decision:
        life, code = self.life, self.life.account.unlock_code
        assert code is not None
        secret = life.fresh("known")
        decision = life.submit(
            commands.PresentUnlockCode(
                origin=self.origin(),
                code=life.secrets[f"copy of {code.sealed_digest}"].decode(),
                opened=life.secrets[code.sealed_digest],
                fingerprint=life.fresh("typed"),
                known_secret=secret,
            )
        )
        self.known_secret = secret
        return decision

    def arrived(self, decision: Decision) -> Decision:
        """Take the cookies of the reply, and write the recovery code down."""
        life = self.life
        session = life.account.session(decision.session_id)
        if session is not None:
            self.browser, self.session_id = session.browser, session.id
            # Of the two that the rules were given last, the one whose digest the account keeps.
            newest = [f"known-{number}" for number in range(life.count, max(0, life.count - 12), -1)]
            kept = [each for each in newest if known_browsers.browser_of(life.account, (each,))]
            self.known_secret = kept[0] if kept else self.known_secret
            code = life.account.recovery_code
            if code is not None and code.sealed_copy is not None:
                self.note = life.secrets[code.sealed_copy].decode()
                origin = replace(self.origin(), session_id=session.id)
                life.submit(commands.AcknowledgeRecoveryCode(origin=origin, recovery_code_id=code.id))
        return decision


@dataclass
class Thief:
    """A client with the password, and perhaps a copied cookie, that makes each guess that is judged."""

    life: Life
    chance: random.Random
    judged: int = 0
    secret: str | None = None
    browser: str | None = None  # the copied browser cookie, for a thief who copies all cookies
    login: str | None = None
    stops_short: bool = False

    def guess_until(self, instant: int) -> None:
        """Make every guess that is judged before ``instant``, with the copied cookie and without it."""
        life, begun = self.life, self.life.now
        for secret in (self.secret, None) if self.secret else (None,):
            life.now = begun
            while life.now < instant and not (self.stops_short and self._is_near_a_cap(secret)):
                seconds = self._guess(secret)
                if seconds is not None:
                    life.now += min(seconds * SECOND, instant - life.now)
        life.now = instant

    def _guess(self, secret: str | None) -> int | None:
        """Guess once; the seconds to wait where that was not judged."""
        digits = self.life.policy.digits
        visitor = Visitor(
            self.life,
            login=self.login or self.life.fresh("login"),
            browser=self.browser or "",
            known_secret=secret,
        )
        decision = visitor.enter(f"{self.chance.randrange(10**digits):0{digits}}")
        if decision.outcome is Outcome.WRONG_CODE:
            self.judged += 1
            return None
        if decision.outcome is Outcome.LOCKED:
            return decision.retry_after_seconds or 1
        if decision.outcome is Outcome.USED_CODE:
            return None
        raise AssertionError(f"a guess was answered {decision.outcome}: take another seed")

    def _is_near_a_cap(self, secret: str | None) -> bool:
        account, policy = self.life.account, self.life.policy
        context = Context(now=self.life.now, policy=policy)
        browser = known_browsers.browser_of(account, (secret,) if secret else ())
        if browser is None:
            days = throttle.settled_days(account.code_failures.days, context)
            near = throttle.counted(days) >= policy.failures_rolling_max - 1
            return near or account.code_failures.consecutive_count >= policy.failures_max - 1
        own = throttle.settled_days(browser.failures.days, context)
        days = throttle.settled_days(account.known_failures, context)
        return (
            throttle.counted(own) >= policy.known_browser_failures_max - 1
            or throttle.counted(days) >= policy.known_failures_rolling_max - 1
        )


Remedy = Callable[[Life, Visitor], bool]


def gives_up(life: Life, user: Visitor) -> bool:
    return False


def is_unlocked(life: Life, user: Visitor) -> bool:
    code = life.new_code(recovery_codes.ENROLLMENT_CODE_SYMBOLS)
    life.submit(commands.UnlockBySupport(agent="desk", reason="asked", unlock_code=code))
    user.show_unlock_code()
    return user.enter(user.shown_code()).outcome is Outcome.SIGNED_IN


def recovers(life: Life, user: Visitor) -> bool:
    user.recover()
    return False


def binds_a_new_phone(life: Life, user: Visitor) -> bool:
    user.recover()
    life.now += 60 * SECOND
    user.enroll()
    return False


def is_reset(life: Life, user: Visitor) -> bool:
    life.submit(
        commands.ResetBySupport(
            agent="desk", reason="asked", generation=life.fresh("generation"), enrollment_code=None
        )
    )
    life.account = replace(life.account, enrollment_code_needed=False)  # the code was read out and typed
    user.enroll()
    return False


REMEDIES: dict[str, Remedy] = {
    "gives up": gives_up,
    "calls the desk, which unlocks": is_unlocked,
    "takes the recovery code": recovers,
    "recovery code, then a new phone": binds_a_new_phone,
    "is reset by the desk": is_reset,
}
#: When the thief copies the cookie of the known browser: on which days, before the user comes.
THEFTS: dict[str, Callable[[int], bool]] = {
    "no cookie": lambda day: False,
    "one cookie": lambda day: day == 30,
    "a cookie a month": lambda day: day % 30 == 15,
    "each new cookie": lambda day: True,
}


@dataclass
class Row:
    """What one year came to."""

    thief: str
    user: str
    judged: int = 0
    tried: int = 0
    entered: int = 0

    @property
    def share(self) -> float:
        return self.entered / self.tried


def year(
    policy: Policy, *, theft: str, remedy: str, stops_short: bool = False, all_cookies: bool = False
) -> Row:
    """A year of one thief and one user."""
    life = Life(policy)
    user = Visitor(life)
    user.enroll()
    thief = Thief(life, random.Random(1), stops_short=stops_short)
    words = f"{theft}{', stops one short of each cap' if stops_short else ''}"
    row = Row("all cookies, each time" if all_cookies else words, remedy)
    for day in range(DAYS):
        if THEFTS[theft](day):
            thief.secret = user.known_secret
            if all_cookies:
                thief.browser, thief.login = user.browser, user.login
        thief.guess_until(START + day * DAY + MORNING)
        entered = user.enter(user.shown_code()).outcome is Outcome.SIGNED_IN
        row.tried += 1
        row.entered += entered or REMEDIES[remedy](life, user)
        life.now += 60 * SECOND
    thief.guess_until(START + DAYS * DAY)
    row.judged = thief.judged
    return row


def thieves(policy: Policy) -> Iterator[Row]:
    for theft in THEFTS:
        for remedy in REMEDIES:
            yield year(policy, theft=theft, remedy=remedy)
        yield year(policy, theft=theft, remedy="takes the recovery code", stops_short=True)
    yield year(policy, theft="each new cookie", remedy="takes the recovery code", all_cookies=True)


def honest(
    policy: Policy,
    words: str,
    *,
    typos: float,
    attacked: bool,
    times: tuple[int, ...] = (9, 12, 14, 16),
    slow_week: bool = False,
    users: int = 1,
) -> Row:
    """A year of a user who mistypes, four sign-ins a day; ``users`` share one PC, and each has an own account."""
    row = Row("a thief" if attacked else "no thief", words)
    for number in range(users):
        life, chance = Life(policy), random.Random(100 + number)
        user = Visitor(life)
        user.enroll()
        thief = Thief(life, random.Random(number))
        for day in range(DAYS):
            user.offset_seconds = -240 if slow_week and 100 <= day < 107 else 0
            for hour in times:
                instant = START + day * DAY + hour * HOUR + number * 300 * SECOND
                if attacked:
                    thief.guess_until(instant)
                life.now = instant
                row.tried += 1
                row.entered += _signs_in(life, user, chance, typos)
        row.judged = max(row.judged, thief.judged)  # the odds of one account
    return row


def _signs_in(life: Life, user: Visitor, chance: random.Random, typos: float) -> bool:
    """Up to five tries, as people do; after two wrong codes the page asks whether the phone's clock is right."""
    user.login = life.fresh("login")
    for count in range(1, 6):
        code = user.shown_code()
        if chance.random() < typos:
            place = chance.randrange(len(code))
            code = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
        decision = user.enter(code)
        if decision.outcome is Outcome.SIGNED_IN:
            return True
        if decision.hint is Hint.CLOCK_SLOW or (decision.outcome is Outcome.WRONG_CODE and count == 2):
            life.now += 30 * SECOND
            user.resync()
        life.now += max(decision.retry_after_seconds or 0, 30) * SECOND
        if decision.outcome is Outcome.LOCKED and (decision.retry_after_seconds or 0) > 600:
            return False
    return False


def people(policy: Policy) -> Iterator[Row]:
    for attacked in (False, True):
        for share in (0.02, 0.06, 0.20):
            yield honest(policy, f"mistypes {share:.0%} of codes", typos=share, attacked=attacked)
        yield honest(
            policy, "phone's clock 4 minutes slow for a week", typos=0.02, attacked=attacked, slow_week=True
        )
        yield honest(policy, "five users of one PC", typos=0.02, attacked=attacked, users=5)


def main() -> None:
    policy, markdown = Policy(), bool({"--markdown", "--check"} & set(sys.argv))
    bound = wrong_codes_a_year(policy)
    print(f"at most {bound:,} wrong codes a year: {odds_of(bound, policy):.2%}\n")
    _print_heading(markdown, "the thief has", "without a code the user", "judged", "odds", "in by code")
    missed = []
    for row in thieves(policy):
        odds = odds_of(row.judged, policy)
        _print_row(markdown, row.thief, row.user, f"{row.judged:,}", f"{odds:.2%}", f"{row.share:.1%}")
        if odds > ODDS_TARGET:
            missed.append(f"{row.thief}, {row.user}: {odds:.2%}")
    print()
    _print_heading(markdown, "beside", "user, four sign-ins a day", "judged", "odds", "in by code")
    for row in people(policy):
        odds = odds_of(row.judged, policy)
        _print_row(markdown, row.thief, row.user, f"{row.judged:,}", f"{odds:.2%}", f"{row.share:.2%}")
    faults = [f"above {ODDS_TARGET:.2%}: {line}" for line in missed]
    if "--check" in sys.argv:
        told = (Path(__file__).parents[1] / "SECURITY.md").read_text(encoding="utf-8").splitlines()
        faults += [f"SECURITY.md lacks the row: {row}" for row in _ROWS if row not in told]
    print(*faults, sep="\n", file=sys.stderr)
    sys.exit(bool(faults))


_ROWS: list[str] = []  # as Markdown has them, for --check


def _print_heading(markdown: bool, *cells: str) -> None:
    _print_row(markdown, *cells)
    if markdown:
        print("|---|---|---:|---:|---:|")


def _print_row(markdown: bool, *cells: str) -> None:
    if markdown:
        _ROWS.append(f"| {' | '.join(cells)} |")
        print(_ROWS[-1], flush=True)
    else:
        first, second, *figures = cells
        print(f"{first:42} {second:40}", *(f"{each:>11}" for each in figures), flush=True)


if __name__ == "__main__":
    main()
