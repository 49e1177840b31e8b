"""All that is known of one user, as one immutable value.

Nothing here decides: the rules that change an account live in the modules that :mod:`wsgi_mfa.core.engine`
lists. Secrets stand here only sealed (see :mod:`wsgi_mfa.keys.ring`); ids are random 128-bit values in hex.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Method(str, Enum):
    """How a second factor was shown; the words of ``environ["wsgi_mfa.method"]``."""

    CODE = "code"
    RECOVERY_CODE = "recovery_code"
    REMEMBERED_BROWSER = "remembered_browser"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyParameters:
    """What a key was made for. Stored with each key and never taken from a request (R3)."""

    algorithm: str
    digits: int
    period_seconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticator:
    """The active key and what was learned of the phone that holds it; ``id`` is that of its enrollment."""

    id: str
    sealed_key: str
    parameters: KeyParameters
    confirmed_at: int
    last_step: int  # RFC 6238 section 5.2: only a later step is ever accepted (R6)
    drift_steps: int = 0  # the phone's clock minus ours, in steps (RFC 6238 section 6, R11)
    drift_at: int = 0  # when it was learned (D18)
    used_steps: tuple[
        int, ...
    ] = ()  # the latest used up: they stay so when support sets last_step back (D22)


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingEnrollment:
    """A key that was shown to one browser and is not active (R34-R36).

    ``wrong_count`` are the wrong codes that were tried to confirm it: guesses at no active key (D46).
    """

    id: str
    browser: str
    login: str | None
    sealed_key: str
    parameters: KeyParameters
    made_at: int
    wrong_count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCode:
    """The one recovery code (D13). ``sealed_copy`` is there until the user has acknowledged the code."""

    id: str
    sealed_digest: str
    made_at: int
    sealed_copy: str | None
    shown_count: int = 0

    @property
    def acknowledged(self) -> bool:
        return self.sealed_copy is None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResetAsked:
    """A reset that one agent has asked for, and that another one has to ask for as well (R46)."""

    agent: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrollmentCode:
    """A one-time code that the support desk gave to a caller; the next enrollment asks for it (D15)."""

    sealed_digest: str
    made_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlockCode:
    """A one-time code that the support desk gave to a caller; the browser that shows it becomes known (D47)."""

    sealed_digest: str
    made_at: int
    browser: str | None = None  # the browser that has shown it, which may show it again


@dataclass(frozen=True, kw_only=True, slots=True)
class Failures:
    """Wrong answers of one kind: authenticator codes of new browsers, those of one known browser, other codes."""

    consecutive_count: int = 0  # R15: only a success clears it
    days: tuple[tuple[int, int], ...] = ()  # (UTC day, failures): a rolling budget (R19)
    locked_since: int | None = (
        None  # a lock is (since, seconds), so that a clock step cannot lengthen it (D22)
    )
    locked_seconds: int = 0
    latest: tuple[int, ...] = ()  # instants of the last ones, which a success does not clear (R17)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retractable:
    """Failures that a success of the same UTC day, login and browser cookie takes back (D46)."""

    day: int
    origin: str  # a digest of the login and the browser cookie
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownBrowser:
    """A browser that has shown a second factor of this user (D46).

    It holds a secret, and this only a digest of it. ``previous`` is the digest of the earlier secret, which counts
    until the newer one has been shown; it is "" afterwards, and None in a browser that has never come back.
    ``is_granted`` says that it has tries over a spent budget.
    """

    id: str
    digest: str
    seen_day: int
    previous: str | None = None
    is_granted: bool = False
    failures: Failures = Failures()  # its own back-off, and its failures that were not taken back
    retractable: tuple[Retractable, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedLogin:
    """Another fingerprint of the login behind a session, from before or beside the newest one (D34).

    ``replaced_at`` is when the portal first gave a newer one in its place; None while it has not.
    """

    fingerprint: str | None
    replaced_at: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One browser that has shown a second factor. Its cookie is derived from ``id``.

    ``login`` is the newest fingerprint of the login behind it, and ``carried_logins`` are those that count
    beside it: ask :func:`~wsgi_mfa.core.expiry.is_of_login`. ``opened_at`` is there where it was opened later than
    its second factor was shown, by a remembered browser, whose id is ``remembered_id``; a session in which a
    browser was remembered has that id too.
    """

    id: str
    browser: str
    login: str | None
    method: Method
    verified_at: int
    seen_at: int
    carried_logins: tuple[CarriedLogin, ...] = ()
    opened_at: int | None = None
    remembered_id: str | None = None

    @property
    def begun_at(self) -> int:
        """When it was opened, from where its overall limit counts (R52)."""
        return self.verified_at if self.opened_at is None else self.opened_at


@dataclass(frozen=True, kw_only=True, slots=True)
class RememberedBrowser:
    """A browser that is not asked for a code for some days, because it showed one at ``made_at`` (R55).

    Its cookie names ``id`` and has a secret; here is only the digest of it. Each use replaces the secret, and
    ``previous_digest`` is that of the one before. ``label`` is made of our own words, such as "Firefox on Linux".
    """

    id: str
    digest: str
    made_at: int
    used_at: int
    label: str
    previous_digest: str | None = None
    known_id: str | None = None  # a remembered browser is a known one, too (D46)


@dataclass(frozen=True, kw_only=True, slots=True)
class AppPassword:
    """The secret of one program (D50): here is only its digest. It is good for ``path`` of the portal and below."""

    id: str
    digest: str
    name: str
    path: str
    made_at: int
    expires_at: int
    used_at: int | None = None  # noted once an hour
    asked_at: int | None = None  # since when its user is asked whether to keep it


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A success that the same browser may ask for again, because its reply may have been lost (D10)."""

    purpose: str
    browser: str
    login: str | None
    fingerprint: str
    session_id: str
    at: int
    recovery_code_id: str | None = (
        None  # the code that the success made: the retry lasts until it is acknowledged
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A refusal that the same browser gets again, unjudged, when it repeats itself at once (D11)."""

    browser: str
    fingerprint: str
    at: int
    outcome: str
    hint: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstCode:
    """The first of the two consecutive codes that re-learn a clock (D17)."""

    browser: str
    login: str | None
    sealed_code: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedLogin:
    """A login at the portal that must not count any more, until it changes or the lock ends (D19)."""

    fingerprint: str
    since: int
    seconds: int | None = None  # None: until it changes


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskUse:
    """What a support agent has asked of the desk over HTTP in the hour that began at ``since`` (R47)."""

    since: int
    lookups_count: int = 0
    changes_count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Everything about one user: one value, loaded, decided about, and saved whole."""

    user: str
    generation: str  # new with each new phone and each reset (D16); never used twice (D24)
    revision: str = ""  # new with each save; "" before the first (D24)
    saved_at: int = 0
    address: str | None = None
    authenticator: Authenticator | None = None
    recovery_code: RecoveryCode | None = None
    code_failures: Failures = Failures()  # of all browsers that are not known
    recovery_failures: Failures = Failures()
    known_browsers: tuple[KnownBrowser, ...] = ()  # all of this generation, the latest used last
    known_failures: tuple[tuple[int, int], ...] = ()  # (UTC day, failures) of all known browsers
    granted_tries: tuple[tuple[int, int], ...] = ()  # (UTC day, tries over a spent budget that were used)
    pending: tuple[PendingEnrollment, ...] = ()
    sessions: tuple[Session, ...] = ()
    remembered_browsers: tuple[RememberedBrowser, ...] = ()  # all of this generation (D16)
    app_passwords: tuple[AppPassword, ...] = ()
    retries: tuple[Retry, ...] = ()
    answers: tuple[Answer, ...] = ()
    ended_logins: tuple[EndedLogin, ...] = ()
    first_code: FirstCode | None = None
    hints: tuple[int, ...] = ()  # when "your clock is slow" was told (D17)
    resyncs_begun: tuple[int, ...] = ()  # when the first code of a resync was kept (D43a)
    enrollments_begun: tuple[int, ...] = ()  # when a pending enrollment was made (D26)
    postponed_at: int | None = None  # when a user who needs no phone yet was left in peace for a while
    reset_at: int | None = None  # the last reset that was not followed by an enrollment
    reset_asked: ResetAsked | None = None
    enrollment_code: EnrollmentCode | None = None
    enrollment_code_needed: bool = False
    enrollment_browser: str | None = None  # the browser that gave the enrollment code
    unlock_code: UnlockCode | None = None
    event_count: int = 0  # how many events are on record, and the link of the last one (D31)
    event_link: str = ""
    desk_use: DeskUse | None = None  # of a support agent
    spellings: tuple[str, ...] = ()  # those bound to this account; before the first, any of its name (D44)
    refused_spellings: tuple[str, ...] = ()  # those that an operator has not decided about
    removed_at: int | None = None  # when all else was forgotten; a later enrollment needs the desk (D33)
    mac: str = field(default="", compare=False)  # over the stored text of all else; "" before the save (D48a)
    # That text, where it is at hand: the codec and the signer keep it between them, and no copy has it.
    text: str | None = field(init=False, repr=False, compare=False, default_factory=lambda: None)

    def session(self, session_id: str | None) -> Session | None:
        """The open session of this id; None when it was ended or never was."""
        for session in self.sessions:
            if session.id == session_id:
                return session
        return None

    def remembered_browser(self, browser_id: str | None) -> RememberedBrowser | None:
        """The remembered browser of this id; None when it was forgotten or never was."""
        return next((browser for browser in self.remembered_browsers if browser.id == browser_id), None)

    def pending_of(self, browser: str, login: str | None) -> PendingEnrollment | None:
        """The enrollment that this browser, in this login, has begun (R35, D20)."""
        for pending in self.pending:
            if pending.browser == browser and pending.login == login:
                return pending
        return None

    def check_replaces(self, expected: str | None) -> None:
        """Reject a revision that is not new (D24): caches and the lost race would both be blind to it.

        ``expected`` is the revision that was loaded, None when there was no account.

        :raises ValueError: the revision is empty, or equals ``expected``.
        """
        if not self.revision:
            raise ValueError("Account.revision is empty: each save needs a new random revision")
        if self.revision == expected:
            raise ValueError(
                "Account.revision equals the expected one: each save needs a new random revision"
            )
