"""What commands are made of: who asks, and the fresh values that a decision may put into an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from wsgi_mfa.core.account import Account, KeyParameters
from wsgi_mfa.core.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who asks: a browser that has passed the first factor.

    ``browser`` is its browser cookie's value and ``next_browser`` the value that it gets on success (D20);
    ``login`` is the fingerprint of its login at the portal, where the portal has one; ``session_id`` is the
    session that its cookie names; ``source`` is the peer's address, for the audit record only. ``known_secrets``
    are those by which the browser may be known to some user; none for a client without cookies. ``spelling`` is that
    of the user's name, None where spellings do not count (D44).
    """

    browser: str
    next_browser: str
    login: str | None = None
    session_id: str | None = None
    source: str = ""
    known_secrets: tuple[str, ...] = field(default=(), repr=False)
    spelling: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A fresh key, sealed, with the id of the pending enrollment that may hold it."""

    id: str
    sealed_key: str
    parameters: KeyParameters


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecoveryCode:
    """A fresh recovery code, sealed twice: what checks it, and what can show it (D13)."""

    id: str
    sealed_digest: str
    sealed_copy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewBrowser:
    """A browser to be remembered, by its first ``secret``; ``replaces`` is the id that it was remembered by (R55)."""

    id: str
    secret: str = field(repr=False)
    label: str
    replaces: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInByRememberedBrowser:
    """Sign in as the remembered browser of this id, by its ``secret``, in whose place ``next_secret`` comes (R55)."""

    origin: Origin
    browser_id: str
    secret: str = field(repr=False)
    next_secret: str = field(repr=False)
    session_id: str
    address: str | None = None
    known_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetBrowser:
    """The user wants a remembered browser forgotten, or all of them without an id (R55)."""

    origin: Origin
    browser_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeBrowser:
    """An operator forgets one remembered browser; ``cause`` is a word for the audit record."""

    browser_id: str
    cause: str
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeAppPassword:
    """Add the app password ``id``, of which the account keeps ``digest``, for ``days`` (D50)."""

    origin: Origin
    id: str
    digest: str = field(repr=False)
    name: str
    path: str
    days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndAppPassword:
    """The user wants an app password ended (D50)."""

    origin: Origin
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChooseAppPasswords:
    """The user says which app passwords to keep after a new phone or a recovery: those of these ids (D50)."""

    origin: Origin
    kept: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeAppPasswords:
    """An operator or the support desk ends one app password, or all of them without an id (D50)."""

    id: str | None
    cause: str
    agent: str = ""
    reason: str = ""
    ticket: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteAppPasswordUse:
    """A program has used an app password (D50)."""

    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetKnownBrowsers:
    """The user wants this browser forgotten as a known one; with ``every`` all other known browsers as well (D46)."""

    origin: Origin
    every: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BeginEnrollment:
    """Give this browser a key to scan; ``restart`` throws away the one that it had (R36)."""

    origin: Origin
    key: NewKey
    restart: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PostponeEnrollment:
    """Be reminded later; ``groups`` are those of the user, which policy may ask for a second factor first."""

    origin: Origin
    groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentEnrollmentCode:
    """Show the one-time code that the support desk gave (D15). ``opened`` is what the stored digest opened to."""

    origin: Origin
    code: str | None
    opened: bytes | None = field(repr=False)
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentUnlockCode:
    """Show the one-time code of the support desk that makes this browser known (D47)."""

    origin: Origin
    code: str | None
    opened: bytes | None = field(repr=False)
    fingerprint: str
    known_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmEnrollment:
    """Make the pending key of this browser the active one by a code of it (R35).

    ``pending_id`` is the enrollment that the page showed (D12), None for a client that was shown no page;
    ``key`` is the opened key of the one that this browser has.
    """

    origin: Origin
    pending_id: str | None
    code: str | None
    key: bytes | None = field(repr=False)
    fingerprint: str
    session_id: str
    generation: str
    recovery_code: NewRecoveryCode
    address: str | None = None
    known_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyCode:
    """Sign in, or step up, with a code of the active key; ``remember`` is this browser, if its user wants that.

    ``known_secret`` makes the browser known from now on, here as in other commands; None for a program (D46).
    """

    origin: Origin
    code: str | None
    key: bytes | None = field(repr=False)
    fingerprint: str
    session_id: str
    address: str | None = None
    remember: NewBrowser | None = None
    known_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInByRecoveryCode:
    """Sign in with the recovery code, which is replaced in the same change (R28)."""

    origin: Origin
    code: str | None
    opened: bytes | None = field(repr=False)
    fingerprint: str
    session_id: str
    recovery_code: NewRecoveryCode
    address: str | None = None
    known_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowRecoveryCode:
    """Show the recovery code that nobody has acknowledged yet; ``replacement`` serves one grown old (D13)."""

    origin: Origin
    replacement: NewRecoveryCode


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgeRecoveryCode:
    """The user says that the code of this id is stored; None is the present one, for a client without a page."""

    origin: Origin
    recovery_code_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaceRecoveryCode:
    """Make a new recovery code; needs a fresh second factor (R40)."""

    origin: Origin
    recovery_code: NewRecoveryCode


@dataclass(frozen=True, kw_only=True, slots=True)
class ResyncClock:
    """One of the two consecutive codes that tell how far a phone's clock is off (D17).

    ``first_code`` is the opened first one when it was given before, ``sealed_code`` this one, sealed.
    ``asked_for_first`` says that the page asked for the first one, whatever was given before (D12).
    """

    origin: Origin
    code: str | None
    key: bytes | None = field(repr=False)
    fingerprint: str
    sealed_code: str
    first_code: str | None = field(default=None, repr=False)
    asked_for_first: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOut:
    """Leave: the session ends, and the portal's login behind it does not count until it changes (D19).

    ``login_fingerprint`` names the credentials that the browser shows at present, None where it cannot change them.
    ``forget_browser`` is the remembered browser that this one is, if it shall be so no longer; with
    ``forget_known`` it is no known browser any longer, either.
    """

    origin: Origin
    login_fingerprint: str | None = None
    forget_browser: str | None = None
    forget_known: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSessions:
    """End one session, or all of them; ``cause`` is a word for the audit record, the rest is who and why.

    With ``forgetting`` the remembered browsers that could open them again are forgotten too.
    """

    session_id: str | None
    cause: str
    agent: str = ""
    reason: str = ""
    ticket: str = ""
    source: str = ""
    forgetting: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AdmitLogin:
    """The portal has signed somebody in anew: a login that was ended before counts again (D19)."""

    login_fingerprint: str
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CarryLogin:
    """The portal gave the login of an open session another fingerprint, ``login``, in a response (D34).

    ``origin`` has the session, and the fingerprint with which the request came.
    """

    origin: Origin
    login: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteActivity:
    """A request passed in this session (D23)."""

    session_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ResetBySupport:
    """Forget the factor: the user must enroll anew, and nothing of before is usable (R45).

    ``seen_generation`` is the generation on the agent's screen, None when the agent saw none (D12);
    ``enrollment_code`` is the sealed digest of a fresh enrollment code, used when one is needed (D15); None where
    the user was not on the line: then an invitation is needed before anybody enrolls (D33).
    """

    agent: str
    reason: str
    generation: str
    enrollment_code: str | None
    seen_generation: str | None = None
    ticket: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlockBySupport:
    """Give the caller a one-time code, whose sealed digest ``unlock_code`` is (D47).

    ``clock`` corrects a last step that lies ahead (D22).
    """

    agent: str
    reason: str
    unlock_code: str
    clock: bool = False
    seen_generation: str | None = None
    ticket: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetDrift:
    """Take what was learned of a phone's clock for wrong; ``since`` leaves what was learned before alone (D18)."""

    agent: str
    reason: str
    since: int | None = None
    ticket: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class InviteBySupport:
    """Let a user without a phone enroll by a one-time code, whose sealed digest ``enrollment_code`` is (R41, D33)."""

    agent: str
    reason: str
    enrollment_code: str
    ticket: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UseDesk:
    """A support agent, whose own account this is, asks something of the desk over HTTP (R44, R47).

    ``changing`` is a wish to change another account, which needs a fresh second factor; else it is a lookup.
    """

    origin: Origin
    changing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveAccount:
    """Forget the user but for the name, under which nobody enrolls any more without an invitation (D33).

    ``renamed_to`` is where the account lives on, if it does; ``seen_revision`` is then the revision that was
    copied, since what came after it would be lost.
    """

    agent: str
    reason: str
    generation: str
    renamed_to: str | None = None
    seen_revision: str | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdoptAccount:
    """Go on with ``moved``, an account of another name whose secrets are sealed for this user (D33).

    ``seen_revision`` is that of an earlier copy, which this one replaces. ``spellings`` are bound to the new name.
    """

    moved: Account = field(repr=False)
    agent: str
    reason: str
    generation: str
    seen_revision: str | None = None
    spellings: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefuseSpelling:
    """Another spelling than the bound ones was signed in at the portal, and was rejected (D44)."""

    spelling: str
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BindSpelling:
    """An operator says that ``spelling`` is the same user's (D44)."""

    spelling: str
    agent: str
    reason: str
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeparateSpelling:
    """An operator says that this account is for ``spelling`` alone (D44)."""

    spelling: str
    agent: str
    reason: str
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetSpelling:
    """An operator takes a spelling away from an account with others, or a rejected one off the list (D44)."""

    spelling: str
    agent: str
    reason: str
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReEncrypt:
    """Put other seals around the same secrets: ``sealed`` has for each old sealed value the new one (D29)."""

    sealed: Mapping[str, str] = field(repr=False)
    key_id: str
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FenceAfterRestore:
    """The store was restored from a backup: no code of before this moment works, nor an old recovery code (R13).

    ``lost`` are the account's events that the backup does not know, as far as an export of the record does.
    ``invited`` says that there may be others: who has no phone now may have bound one since (D28).
    """

    generation: str
    lost: tuple[Event, ...] = ()
    invited: bool = False
    source: str = ""


Command: TypeAlias = (
    BeginEnrollment
    | PostponeEnrollment
    | PresentEnrollmentCode
    | PresentUnlockCode
    | ConfirmEnrollment
    | VerifyCode
    | SignInByRememberedBrowser
    | ForgetBrowser
    | RevokeBrowser
    | MakeAppPassword
    | EndAppPassword
    | ChooseAppPasswords
    | RevokeAppPasswords
    | NoteAppPasswordUse
    | ForgetKnownBrowsers
    | SignInByRecoveryCode
    | ShowRecoveryCode
    | AcknowledgeRecoveryCode
    | ReplaceRecoveryCode
    | ResyncClock
    | SignOut
    | EndSessions
    | AdmitLogin
    | CarryLogin
    | NoteActivity
    | ResetBySupport
    | UnlockBySupport
    | ForgetDrift
    | InviteBySupport
    | UseDesk
    | RemoveAccount
    | AdoptAccount
    | RefuseSpelling
    | BindSpelling
    | SeparateSpelling
    | ForgetSpelling
    | ReEncrypt
    | FenceAfterRestore
)
