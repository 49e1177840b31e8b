"""Every number of the security policy, with its default and the limits that are enforced (R3-R70)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from ipaddress import ip_network

from wsgi_mfa.core.access_rules import AccessRule, is_rule, read_rules
from wsgi_mfa.core.account import KeyParameters
from wsgi_mfa.core.errors import InvalidPolicyError, InvalidUserError
from wsgi_mfa.core.usernames import canonical


def is_network(entry: object) -> bool:
    """Whether ``entry`` names one address or a network, without host bits (R57); ``*`` and names do not."""
    try:
        ip_network(entry if isinstance(entry, str) else "")
    except ValueError:
        return False
    return True


#: Stands among the trusted peers for a socket of the file system, over which servers tell no address.
UNIX_SOCKET = "unix"


def is_peer(entry: object) -> bool:
    """Whether ``entry`` names the peers of a proxy: an address, a network, or ``unix``."""
    return entry == UNIX_SOCKET or is_network(entry)


#: What ``required_from`` may be beside an instant: everybody needs a second factor, or only those who are named.
ALWAYS, NEVER = "always", "never"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def is_moment(text: object) -> bool:
    """Whether ``text`` is legal as ``required_from``."""
    if text in (ALWAYS, NEVER):
        return True
    if not isinstance(text, str) or _INSTANT.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def is_user(name: object) -> bool:
    """Whether ``name`` can name an account."""
    try:
        canonical(name if isinstance(name, str) else "")
    except InvalidUserError:
        return False
    return True


def is_group(name: object) -> bool:
    """Whether ``name`` can be a group of the directory."""
    return isinstance(name, str) and name.strip() == name != ""


#: What a number may be: setting -> (least, most, requirement).
LIMITS: dict[str, tuple[int, int, str]] = {
    "digits": (6, 8, "R3"),
    "period_seconds": (30, 60, "R3"),
    "key_bytes": (16, 64, "R4"),
    "steps_back": (0, 2, "R5"),
    "steps_ahead": (0, 2, "R5"),
    "drift_steps_max": (0, 2, "R11"),
    "resync_steps_max": (0, 20, "R11"),
    "hint_steps_max": (0, 40, "R11"),
    "free_tries": (1, 10, "R18"),
    "backoff_seconds_min": (1, 3600, "R18"),
    "backoff_seconds_max": (1, 86400, "R18"),
    "failures_max": (1, 100, "R15"),
    "failures_rolling_max": (1, 1000, "R19"),
    "known_failures_rolling_max": (1, 1000, "D46"),
    "known_browser_failures_max": (1, 1000, "D46"),
    "failures_rolling_days": (1, 366, "R19"),
    "enrollment_seconds_max": (30, 600, "R36"),
    "session_idle_seconds": (60, 30 * 86400, "R52"),
    "session_seconds_max": (60, 90 * 86400, "R52"),
    "sessions_max": (1, 100, "D26"),
    "reset_agents": (1, 2, "R46"),
    "agent_lookups_max": (1, 10_000, "R47"),
    "agent_changes_max": (1, 1000, "R47"),
    "retry_seconds": (0, 120, "D10"),
    "recovery_code_symbols": (24, 64, "R26"),
    "step_up_seconds": (30, 3600, "R40"),
    "reminder_seconds": (0, 30 * 86400, "R41"),
    "form_bytes_max": (256, 65536, "R70"),
    "clock_skew_seconds_max": (0, 600, "D22"),
    "remembered_browser_days": (0, 30, "R55"),
    # A setting of the table that this version knows and cannot yet switch on.
    "revocation_delay_seconds": (0, 0, "R45"),
}
#: What a word may be: setting -> (the legal words, requirement).
WORDS: dict[str, tuple[tuple[str, ...], str]] = {
    "algorithm": (("SHA1", "SHA256", "SHA512"), "R3"),
    "enrollment": (("open", "invited", "closed"), "R41"),
}
#: What an entry of a list may be: setting -> (whether it is legal, what is legal, requirement).
ENTRIES: dict[str, tuple[Callable[[object], bool], str, str]] = {
    "trusted_peers": (is_peer, "an address, a network such as 10.0.0.0/8, or unix", "R57"),
    "exempt_paths": (is_rule, "a plain path such as /static, below the application's root", "R63"),
    "required_users": (is_user, "the name of a user", "R41"),
    "required_groups": (is_group, "the name of a group of the directory", "R41"),
    "exempt_methods": (lambda method: method == "OPTIONS", "OPTIONS alone, for preflights", "R65"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The settings of one deployment, checked when made.

    Spans are in the unit that their name ends with; a step is ``period_seconds`` long. A window of more than
    one step (``steps_back`` + ``steps_ahead``) lets a code live longer than 30 s, which OWASP ASVS 6.5.5 asks
    for and RFC 6238 section 5.2 does not: :meth:`strict` is the profile that keeps to ASVS.

    :raises InvalidPolicyError: naming the setting, its value and what is legal.
    """

    algorithm: str = "SHA1"
    digits: int = 6
    period_seconds: int = 30
    key_bytes: int = 20  # RFC 4226 R6: 160 bits are recommended, 128 are the least
    steps_back: int = 1
    steps_ahead: int = 1
    drift_steps_max: int = 1
    resync_steps_max: int = 10
    hint_steps_max: int = 20
    free_tries: int = 5
    backoff_seconds_min: int = 30
    backoff_seconds_max: int = 3600
    failures_max: int = 100  # NIST SP 800-63B-4 section 3.2.2: no more than 100 consecutive failures
    failures_rolling_max: int = 60  # of all browsers that are not known
    known_failures_rolling_max: int = 50  # of all known browsers of an account
    known_browser_failures_max: int = 20  # of one known browser, which is unknown then
    failures_rolling_days: int = 30
    enrollment: str = "open"
    enrollment_seconds_max: int = 600
    session_idle_seconds: int = 3600
    session_seconds_max: int = 86400
    sessions_max: int = 20
    reset_agents: int = 1
    agent_lookups_max: int = 120  # of one support agent over HTTP in an hour
    agent_changes_max: int = 30
    retry_seconds: int = 60
    recovery_code_symbols: int = 24
    step_up_seconds: int = 300
    trusted_peers: tuple[str, ...] = ()
    exempt_paths: tuple[str, ...] = ()
    exempt_methods: tuple[str, ...] = ()
    rules: tuple[AccessRule, ...] = ()
    required_from: str = ALWAYS
    required_users: tuple[str, ...] = ()
    required_groups: tuple[str, ...] = ()
    reminder_seconds: int = 86400
    remembered_browser_days: int = 0
    form_bytes_max: int = 8192
    clock_skew_seconds_max: int = 300
    revocation_delay_seconds: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", read_rules(self.rules))
        for name, (least, most, rule) in LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                legal = f"{least} is the only legal value" if least == most else f"legal is {least} to {most}"
                raise InvalidPolicyError(name, value, f"{legal} [{rule}]")
        for name, (words, rule) in WORDS.items():
            if getattr(self, name) not in words:
                raise InvalidPolicyError(name, getattr(self, name), f"legal is {', '.join(words)} [{rule}]")
        for name, (is_legal, legal, rule) in ENTRIES.items():
            entries = getattr(self, name)
            if not isinstance(entries, tuple) or not all(map(is_legal, entries)):
                raise InvalidPolicyError(name, entries, f"legal is a tuple, each entry {legal} [{rule}]")
        if not is_moment(self.required_from):
            raise InvalidPolicyError(
                "required_from",
                self.required_from,
                f"legal is {ALWAYS}, {NEVER} or an instant with its zone, such as 2027-01-15T00:00:00Z [R41]",
            )
        for name in ("required_users", "required_groups"):
            if getattr(self, name) and self.required_from == ALWAYS:
                raise InvalidPolicyError(
                    name,
                    getattr(self, name),
                    f"legal beside a required_from that is not {ALWAYS}, which names everybody [R41]",
                )
        if self.backoff_seconds_min > self.backoff_seconds_max:
            raise InvalidPolicyError(
                "backoff_seconds_min", self.backoff_seconds_min, "legal is at most backoff_seconds_max [R18]"
            )

    @classmethod
    def strict(cls) -> Policy:
        """A policy that accepts a code in its own step only (ASVS 6.5.5)."""
        return cls(steps_back=0, steps_ahead=0)

    def key_parameters(self) -> KeyParameters:
        """What a new key is made for."""
        return KeyParameters(algorithm=self.algorithm, digits=self.digits, period_seconds=self.period_seconds)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of all settings, in the order of the documentation."""
        return tuple(field.name for field in fields(cls))
