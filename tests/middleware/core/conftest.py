"""People on a bare ``decide``: browsers and phones around one account, in virtual time.

Nothing is really sealed here: what stands for a sealed value is looked up in a dictionary. So a test sees the
rules alone, and a rule that reads a sealed value finds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice

import pytest

from wsgi_mfa.core import recovery_codes
from wsgi_mfa.core.account import Account, KeyParameters
from wsgi_mfa.core.authentication_state import authentication_state
from wsgi_mfa.core.commands import (
    AcknowledgeRecoveryCode,
    BeginEnrollment,
    Command,
    ConfirmEnrollment,
    EndSessions,
    FenceAfterRestore,
    ForgetBrowser,
    ForgetDrift,
    ForgetKnownBrowsers,
    InviteBySupport,
    NewBrowser,
    NewKey,
    NewRecoveryCode,
    NoteActivity,
    Origin,
    PresentEnrollmentCode,
    PresentUnlockCode,
    ReplaceRecoveryCode,
    ResetBySupport,
    ResyncClock,
    RevokeBrowser,
    ShowRecoveryCode,
    SignInByRecoveryCode,
    SignInByRememberedBrowser,
    SignOut,
    UnlockBySupport,
    VerifyCode,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.recovery_codes import canonical_recovery_code
from wsgi_mfa.core.totp import canonical_code, code_at, step_at

#: 2026-03-02T09:00:00Z, where a step begins.
START = 1_772_442_000 * SECOND
#: Makes a command of what the account holds at the moment; asked again after a lost race.
Wish = Callable[[Account], Command]


_code_at = lru_cache(maxsize=10_000)(code_at)  # wrong codes are those that are right at no moment near


@dataclass
class World:
    """One account, its server's clock, what was sealed, and what was recorded."""

    policy: Policy = field(default_factory=Policy)
    now: int = START
    account: Account = field(default_factory=lambda: Account(user="user1", generation="generation-0"))
    events: list[Event] = field(default_factory=list)
    opened: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)  # sealed copies and first codes
    made_count: int = 0

    def fresh(self, word: str) -> str:
        """A name that was never given before; stands for entropy."""
        self.made_count += 1
        return f"{word}-{self.made_count}"

    def browser(self, login: str | None = "login-1") -> Browser:
        return Browser(world=self, cookie=self.fresh("browser"), login=login)

    def phone(self, offset_seconds: float = 0) -> Phone:
        return Phone(world=self, offset_seconds=offset_seconds)

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    @property
    def context(self) -> Context:
        return Context(now=self.now, policy=self.policy)

    def submit(self, wish: Wish) -> Decision:
        """Decide and save, as a service with the account to itself would."""
        decision = decide(self.account, wish(self.account), self.context)
        if decision.account is not None:
            self.account = replace(decision.account, revision=self.fresh("revision"))
            self.events.extend(decision.events)
        return decision

    def kinds(self) -> list[str]:
        """The events so far, by their kind."""
        return [event.kind for event in self.events]

    def new_key(self) -> NewKey:
        sealed = self.fresh("sealed-key")
        policy = self.policy
        self.opened[sealed] = hashlib.sha512(sealed.encode()).digest()[: policy.key_bytes]
        parameters = KeyParameters(
            algorithm=policy.algorithm, digits=policy.digits, period_seconds=policy.period_seconds
        )
        return NewKey(id=self.fresh("pending"), sealed_key=sealed, parameters=parameters)

    def new_recovery_code(self) -> NewRecoveryCode:
        name = self.fresh("recovery")
        code = self._code(name, self.policy.recovery_code_symbols)
        digest, copy = f"sealed-digest-{name}", f"sealed-copy-{name}"
        self.opened[digest] = recovery_codes.digest(code, name.encode().ljust(16)[:16])
        self.written[copy] = code
        return NewRecoveryCode(id=name, sealed_digest=digest, sealed_copy=copy)

    def _code(self, name: str, symbols: int) -> str:
        return recovery_codes.code_from(hashlib.sha512(name.encode()).digest()[:40], symbols)

    def recovery_code(self) -> str:
        """The recovery code that its user wrote down when it was shown."""
        assert self.account.recovery_code is not None
        return self.written[f"sealed-copy-{self.account.recovery_code.id}"]

    def _new_enrollment_code(self) -> str:
        name = self.fresh("enrollment-code")
        code = self._code(name, recovery_codes.ENROLLMENT_CODE_SYMBOLS)
        self.opened[name] = recovery_codes.digest(code, name.encode().ljust(16)[:16])
        self.written[name] = code
        return name

    def invite(self) -> Decision:
        name = self._new_enrollment_code()
        return self.submit(
            lambda account: InviteBySupport(agent="desk@example.com", reason="new here", enrollment_code=name)
        )

    def reset(self, *, seen: str | None = None, agent: str = "desk@example.com") -> Decision:
        name = self._new_enrollment_code()
        generation = self.fresh("generation")
        return self.submit(
            lambda account: ResetBySupport(
                agent=agent,
                reason="new phone",
                generation=generation,
                enrollment_code=name,
                seen_generation=seen,
            )
        )

    def enrollment_code(self) -> str:
        """What the desk read out to the caller."""
        assert self.account.enrollment_code is not None
        return self.written[self.account.enrollment_code.sealed_digest]

    def unlock(self, *, clock: bool = False, seen: str | None = None) -> Decision:
        name = self._new_enrollment_code()
        return self.submit(
            lambda account: UnlockBySupport(
                agent="desk@example.com",
                reason="asked",
                unlock_code=name,
                clock=clock,
                seen_generation=seen,
            )
        )

    def unlock_code(self) -> str:
        """What the desk read out to the caller who is locked out."""
        assert self.account.unlock_code is not None
        return self.written[self.account.unlock_code.sealed_digest]

    def forget_drift(self, *, since: int | None = None) -> Decision:
        return self.submit(
            lambda account: ForgetDrift(agent="desk@example.com", reason="our clock was wrong", since=since)
        )

    def fence(self) -> Decision:
        generation = self.fresh("generation")
        return self.submit(lambda account: FenceAfterRestore(generation=generation))

    def end_sessions(self, session_id: str | None = None, *, forgetting: bool = False) -> Decision:
        return self.submit(
            lambda account: EndSessions(session_id=session_id, cause="portal", forgetting=forgetting)
        )

    def revoke(self, browser_id: str) -> Decision:
        return self.submit(lambda account: RevokeBrowser(browser_id=browser_id, cause="operator"))


def known_secret_of(session_id: str) -> str:
    """What makes a browser known that has succeeded in this session."""
    return f"known in {session_id}"


def secret_of(browser_id: str, session_id: str) -> str:
    """What a browser that was remembered or recalled in this session has in its cookie."""
    return f"secret of {browser_id} in {session_id}"


@dataclass
class Phone:
    """An authenticator app: a key, and a clock that is ``offset_seconds`` ahead of true time."""

    world: World
    offset_seconds: float = 0
    key: bytes = b""
    parameters: KeyParameters = field(
        default_factory=lambda: KeyParameters(algorithm="SHA1", digits=6, period_seconds=30)
    )

    def scan(self, decision: Decision) -> Phone:
        """Take the key from the page that ``decision`` led to."""
        assert decision.pending is not None
        self.key = self.world.opened[decision.pending.sealed_key]
        self.parameters = decision.pending.parameters
        return self

    def step(self, instant: int | None = None) -> int:
        seen = (self.world.now if instant is None else instant) + int(self.offset_seconds * SECOND)
        return step_at(seen, period_seconds=self.parameters.period_seconds)

    def code(self, steps: int = 0) -> str:
        """What the phone shows, or would show ``steps`` steps later."""
        return self.code_of(self.step() + steps)

    def code_of(self, step: int) -> str:
        return _code_at(self.key, step, self.parameters)

    def wrong_code(self, index: int = 0) -> str:
        """The ``index``-th code that is right at no moment near to now."""
        near = {self.code(steps) for steps in range(-45, 46)}
        candidates = (f"{number:0{self.parameters.digits}}" for number in range(10_000))
        return next(islice((code for code in candidates if code not in near), index, None))


@dataclass
class Browser:
    """A browser that has passed the first factor, with the cookies that it holds."""

    world: World
    cookie: str
    login: str | None
    session_id: str | None = None
    guesses: int = 0
    remembered: tuple[str, str] | None = None  # the id and the secret in its cookie
    known_secrets: tuple[str, ...] = ()
    keeps_known: bool = True  # whether it takes the cookie that makes it known

    def origin(self) -> Origin:
        return Origin(
            browser=self.cookie,
            next_browser=self.world.fresh("browser"),
            login=self.login,
            session_id=self.session_id,
            known_secrets=self.known_secrets,
        )

    def arrived(self, decision: Decision, origin: Origin) -> Decision:
        """Take the cookies of a reply; without this call the reply was lost."""
        if decision.session_id is not None:
            session = self.world.account.session(decision.session_id)
            assert session is not None
            self.cookie, self.session_id = session.browser, decision.session_id
            if self.keeps_known:
                self.known_secrets = (known_secret_of(session.id),)
            if session.remembered_id is not None:
                self.remembered = session.remembered_id, secret_of(session.remembered_id, session.id)
        return decision

    def _send(self, wish: Callable[[Account, Origin], Command], lose_reply: bool = False) -> Decision:
        origin = self.origin()
        decision = self.world.submit(lambda account: wish(account, origin))
        return decision if lose_reply else self.arrived(decision, origin)

    def begin(self, *, restart: bool = False) -> Decision:
        key = self.world.new_key()
        return self._send(lambda account, origin: BeginEnrollment(origin=origin, key=key, restart=restart))

    def confirming(self, code: str, pending_id: str | None = None) -> Callable[[Account, Origin], Command]:
        world = self.world
        session, generation = world.fresh("session"), world.fresh("generation")
        new_code = world.new_recovery_code()

        def wish(account: Account, origin: Origin) -> Command:
            pending = account.pending_of(origin.browser, origin.login)
            return ConfirmEnrollment(
                origin=origin,
                pending_id=pending_id or (pending.id if pending else None),
                code=canonical_code(code, pending.parameters.digits if pending else 6),
                key=world.opened[pending.sealed_key] if pending else None,
                fingerprint=code,
                session_id=session,
                generation=generation,
                recovery_code=new_code,
                known_secret=known_secret_of(session),
            )

        return wish

    def confirm(self, code: str, *, pending_id: str | None = None, lose_reply: bool = False) -> Decision:
        return self._send(self.confirming(code, pending_id), lose_reply)

    def enroll(self, phone: Phone) -> Decision:
        """Scan, confirm, and tick the box."""
        phone.scan(self.begin())
        decision = self.confirm(phone.code())
        assert decision.outcome is Outcome.SIGNED_IN
        self.acknowledge()
        return decision

    def entering(self, code: str, *, remember: bool = False) -> Callable[[Account, Origin], Command]:
        session, browser_id = self.world.fresh("session"), self.world.fresh("remembered")
        new = NewBrowser(
            id=browser_id,
            secret=secret_of(browser_id, session),
            label="Firefox on Linux",
            replaces=None if self.remembered is None else self.remembered[0],
        )

        def wish(account: Account, origin: Origin) -> Command:
            phone = account.authenticator
            return VerifyCode(
                origin=origin,
                code=canonical_code(code, phone.parameters.digits if phone else 6),
                key=self.world.opened[phone.sealed_key] if phone else None,
                fingerprint=code,
                session_id=session,
                remember=new if remember else None,
                known_secret=known_secret_of(session),
            )

        return wish

    def enter(self, code: str, *, lose_reply: bool = False, remember: bool = False) -> Decision:
        return self._send(self.entering(code, remember=remember), lose_reply)

    def recalling(self) -> Callable[[Account, Origin], Command]:
        """Come back with what the cookie holds of a remembered browser."""
        session = self.world.fresh("session")
        assert self.remembered is not None
        browser_id, secret = self.remembered

        def wish(account: Account, origin: Origin) -> Command:
            return SignInByRememberedBrowser(
                origin=origin,
                browser_id=browser_id,
                secret=secret,
                next_secret=secret_of(browser_id, session),
                session_id=session,
                known_secret=known_secret_of(session),
            )

        return wish

    def recall(self, *, lose_reply: bool = False) -> Decision:
        return self._send(self.recalling(), lose_reply)

    def forget(self, browser_id: str | None = None) -> Decision:
        return self._send(lambda account, origin: ForgetBrowser(origin=origin, browser_id=browser_id))

    def copied(self, login: str | None = "login-thief") -> Browser:
        """Somebody else's browser with the cookie that this one has now, but not its session."""
        return Browser(
            world=self.world,
            cookie=self.cookie,
            login=login,
            remembered=self.remembered,
            known_secrets=self.known_secrets,
        )

    def guess(self, phone: Phone) -> Decision:
        """A wrong code that this browser has not tried before."""
        self.guesses += 1
        return self.enter(phone.wrong_code(self.guesses))

    def redeeming(self, code: str) -> Callable[[Account, Origin], Command]:
        world = self.world
        session, new_code = world.fresh("session"), world.new_recovery_code()

        def wish(account: Account, origin: Origin) -> Command:
            held = account.recovery_code
            return SignInByRecoveryCode(
                origin=origin,
                code=canonical_recovery_code(code, world.policy.recovery_code_symbols),
                opened=world.opened[held.sealed_digest] if held else None,
                fingerprint=code,
                session_id=session,
                recovery_code=new_code,
                known_secret=known_secret_of(session),
            )

        return wish

    def recover(self, code: str, *, lose_reply: bool = False) -> Decision:
        return self._send(self.redeeming(code), lose_reply)

    def show(self) -> Decision:
        new_code = self.world.new_recovery_code()
        return self._send(lambda account, origin: ShowRecoveryCode(origin=origin, replacement=new_code))

    def acknowledge(self, recovery_code_id: str | None = None) -> Decision:
        """Tick the box, by default for the code that the account holds."""

        def wish(account: Account, origin: Origin) -> Command:
            held = account.recovery_code.id if account.recovery_code else None
            return AcknowledgeRecoveryCode(origin=origin, recovery_code_id=recovery_code_id or held)

        return self._send(wish)

    def replace_recovery_code(self) -> Decision:
        new_code = self.world.new_recovery_code()
        return self._send(lambda account, origin: ReplaceRecoveryCode(origin=origin, recovery_code=new_code))

    def resync(self, code: str) -> Decision:
        sealed = self.world.fresh("first-code")
        self.world.written[sealed] = code

        def wish(account: Account, origin: Origin) -> Command:
            phone, first = account.authenticator, account.first_code
            return ResyncClock(
                origin=origin,
                code=canonical_code(code, 6),
                key=self.world.opened[phone.sealed_key] if phone else None,
                fingerprint=f"clock:{code}",
                sealed_code=sealed,
                first_code=self.world.written[first.sealed_code] if first else None,
            )

        return self._send(wish)

    def present(self, code: str) -> Decision:
        """Show the desk's enrollment code."""

        def wish(account: Account, origin: Origin) -> Command:
            held = account.enrollment_code
            return PresentEnrollmentCode(
                origin=origin,
                code=canonical_recovery_code(code, recovery_codes.ENROLLMENT_CODE_SYMBOLS),
                opened=self.world.opened[held.sealed_digest] if held else None,
                fingerprint=code,
            )

        return self._send(wish)

    def show_unlock_code(self, code: str, *, lose_reply: bool = False) -> Decision:
        """Show the desk's unlock code."""
        secret = f"known by {self.cookie} and {code}"

        def wish(account: Account, origin: Origin) -> Command:
            held = account.unlock_code
            return PresentUnlockCode(
                origin=origin,
                code=canonical_recovery_code(code, recovery_codes.ENROLLMENT_CODE_SYMBOLS),
                opened=self.world.opened[held.sealed_digest] if held else None,
                fingerprint=f"unlock:{code}",
                known_secret=secret,
            )

        decision = self._send(wish)
        if decision.outcome is Outcome.UNLOCKED and not lose_reply:
            self.known_secrets = (secret,)
        return decision

    def forget_known(self, *, every: bool = False) -> Decision:
        return self._send(lambda account, origin: ForgetKnownBrowsers(origin=origin, every=every))

    def sign_out(
        self, login_fingerprint: str | None = None, *, forget: bool = False, forget_known: bool = False
    ) -> Decision:
        forgotten = self.remembered[0] if forget and self.remembered else None

        def wish(account: Account, origin: Origin) -> Command:
            return SignOut(
                origin=origin,
                login_fingerprint=login_fingerprint,
                forget_browser=forgotten,
                forget_known=forget_known,
            )

        return self._send(wish)

    def browse(self) -> Outcome:
        """Ask for a page of the portal; the activity is noted."""
        stands = self.state()
        session_id = self.session_id
        if stands in (Outcome.SIGNED_IN, Outcome.MUST_SAVE_RECOVERY_CODE) and session_id is not None:
            self.world.submit(lambda account: NoteActivity(session_id=session_id))
        return stands

    def state(self) -> Outcome:
        world = self.world
        return authentication_state(
            world.account,
            world.context,
            session_id=self.session_id,
            login=self.login,
        ).outcome


@dataclass
class Home(World):
    """A world with an enrolled user: the laptop is signed in, and the phone's next code is fresh."""

    def __post_init__(self) -> None:
        self.laptop = self.browser()
        self.mobile = self.phone()
        self.laptop.enroll(self.mobile)
        self.wait(60)
        self.events.clear()


@pytest.fixture(scope="session")
def new_world() -> type[World]:
    """Makes a world in which nobody has enrolled; takes ``policy`` and ``now``."""
    return World


@pytest.fixture(scope="session")
def new_home() -> type[Home]:
    """Makes a world with an enrolled user; takes ``policy`` and ``now``."""
    return Home


@pytest.fixture
def world() -> World:
    """A world in which nobody has enrolled yet."""
    return World()


@pytest.fixture
def home() -> Home:
    """A world with an enrolled user."""
    return Home()
