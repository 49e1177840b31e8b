"""What :func:`~wsgi_mfa.core.engine.decide` answers with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wsgi_mfa.core.account import Account, PendingEnrollment
from wsgi_mfa.core.events import Event


class Outcome(str, Enum):
    """The words that pages, JSON and scenario files share."""

    SIGNED_IN = "signed_in"
    MUST_ENROLL = "must_enroll"
    MAY_ENROLL = "may_enroll"
    MUST_VERIFY = "must_verify"
    MUST_SAVE_RECOVERY_CODE = "must_save_recovery_code"
    MUST_CHOOSE_APP_PASSWORDS = "must_choose_app_passwords"  # D50
    WRONG_CODE = "wrong_code"
    USED_CODE = "used_code"
    LOCKED = "locked"
    REFUSED = "refused"
    RESET = "reset"
    UNLOCKED = "unlocked"
    RESYNCED = "resynced"
    SIGNED_OUT = "signed_out"
    STEP_UP_REQUIRED = "step_up_required"
    UNAVAILABLE = "unavailable"


class Hint(str, Enum):
    """What may help the user; given only where it helps no attacker (R82, D17)."""

    CLOCK_SLOW = "clock_slow"
    CLOCK_FAST = "clock_fast"  # on a pending key only
    CLOCK_HOURS_SLOW = "clock_hours_slow"  # by one or more whole hours; on a pending key only
    CLOCK_HOURS_FAST = "clock_hours_fast"
    MALFORMED = "malformed"  # no code at all, such as one digit too few (R8)
    WAIT_FOR_NEXT = "wait_for_next"


class Reason(str, Enum):
    """Why a request was refused, or why it takes more than the outcome says."""

    CHANGED_MEANWHILE = "changed_meanwhile"  # what the user saw has gone (D12)
    ENROLLMENT_EXPIRED = "enrollment_expired"  # the pending key has ended (R36)
    ENROLLMENT_CLOSED = "enrollment_closed"  # policy (R41)
    ENROLLMENT_CODE_NEEDED = "enrollment_code_needed"  # D15
    RESET_EXPIRED = "reset_expired"  # no enrollment within seven days of a reset (D15)
    TOO_MANY_ENROLLMENTS = "too_many_enrollments"  # D26
    BUDGET_SPENT = "budget_spent"  # R15, R19
    SERVER_CLOCK = "server_clock"  # last_step lies in the future (R12, D22)
    TOO_MANY_APP_PASSWORDS = "too_many_app_passwords"  # D50
    NOT_THIS_PATH = "not_this_path"  # an app password is bound to another path (D50)
    UNKNOWN_USER = "unknown_user"  # no name for an account, or none that the directory knows (D1)
    OTHER_SPELLING = "other_spelling"  # the account is bound to other spellings of its name (D44)
    CODE_NOT_SHOWN_AGAIN = "code_not_shown_again"  # D13
    # Of the support desk.
    NOT_AN_AGENT = "not_an_agent"  # R44
    OWN_ACCOUNT = "own_account"  # R46
    AGENTS_ACCOUNT = "agents_account"  # agents help no agent over HTTP (R47)
    SECOND_AGENT_NEEDED = "second_agent_needed"  # R46
    WRONG_PAIR = "wrong_pair"  # user and address do not belong together, or there is no such user
    NO_ADDRESS = "no_address"  # nothing to compare with what the caller says (D30)
    NO_PHONE = "no_phone"  # there is nothing to be locked out of (D47)
    HAS_PHONE = "has_phone"  # an invitation is for users without one (R41)
    UNPRINTABLE = "unprintable"  # what is for the record must be one line of printable text (R83)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """One answer of the rule book.

    ``account`` is the account to save with ``events``, or None when nothing changed (then there are no events
    either); ``session_id`` is the session that was opened, or asked for again; ``alert`` is a word for the
    operator's log when nothing may be saved.
    """

    outcome: Outcome
    account: Account | None = None
    events: tuple[Event, ...] = ()
    hint: Hint | None = None
    reason: Reason | None = None
    retry_after_seconds: int | None = None
    session_id: str | None = None
    pending: PendingEnrollment | None = None
    alert: str | None = None

    def __post_init__(self) -> None:
        if self.events and self.account is None:
            raise ValueError("an event needs the change that it tells of")
