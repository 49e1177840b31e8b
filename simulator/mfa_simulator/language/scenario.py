"""A scenario as a value: what the parser makes of a file and what a run plays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from mfa_simulator.language.quantities import SECOND, instant
from mfa_simulator.problems import Position

START = instant("2026-01-01T00:00:00Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockSetting:
    """How a phone's clock is wrong when the story begins; spans in microseconds."""

    offset: int = 0
    drift_ppm: Fraction = Fraction(0)
    wrong_zone: int = 0


#: The group whose users are agents of the support desk in a browser.
AGENTS = "support"


@dataclass(frozen=True, kw_only=True, slots=True)
class UserSpec:
    """A user of the portal, with the phones that the user owns from the start."""

    name: str
    password: str
    email: str | None = None
    groups: tuple[str, ...] = ()
    phones: Mapping[str, ClockSetting] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowserSpec:
    """From which address a browser comes, and which headers it sends beside its own."""

    address: str = "127.0.0.1"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalSpec:
    """Which reference portal is wrapped, and what it does that opens ways in.

    `kind` is `signed` for the one with a signed session cookie. The other ones keep their sessions themselves:
    `looked_up` is wrapped by an adapter that asks them for a session, `observed` by one that watches the sign-in form.
    """

    kind: str = "signed"
    keeps_session_id: bool = False
    signs_in_anywhere: bool = False
    stays_signed_in: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSpec:
    """What the network does to requests; spans in microseconds.

    `latency` is how long a request is under way to the server; replies arrive at once. `lose` is `request` or
    `response`. `cut` is the number of bytes of the reply's body that arrive, -1 for half of them. `request` names
    what a step's settings are about: a form field, a path, or a method and a path.
    """

    latency: int = 0
    jitter: int = 0
    lose: str | None = None
    cut: int | None = None
    duplicate: bool = False
    client_timeout: int = 30 * SECOND
    request: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What a step must come to; None where the file says nothing, and empty where it names no words.

    `app_called` is `yes`, `no` or `as_user`.
    """

    position: Position
    outcomes: tuple[str, ...] | None = None
    hint: str | None = None
    recovery_code: str | None = None
    app_called: str | None = None
    retry_after_seconds: int | None = None
    evaluated: int | None = None
    status: int | None = None
    page: str | None = None
    shows: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    events: tuple[str, ...] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is expected, as in `expect: {}`."""
        return self == Expectation(position=self.position)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step: a verb, its arguments with every default filled in, and what must come of it."""

    verb: str
    arguments: Mapping[str, Any]
    position: Position
    expect: Expectation | None = None
    network: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  # the verb's table says which type it is
        """Give an argument by its name."""
        return self.arguments[name]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One story, or one row of a story that has a matrix, with the line of its title.

    `off` names the invariants that are not looked at.
    """

    file: str
    title: str
    line: int = 1
    about: str = ""
    tags: tuple[str, ...] = ()
    row: str = ""
    start: int = START
    seed: int = 0
    policy: Mapping[str, Any] = field(default_factory=dict)
    users: tuple[UserSpec, ...] = ()
    network: NetworkSpec = NetworkSpec()
    workers: int = 1
    programs: bool = False
    browsers: Mapping[str, BrowserSpec] = field(default_factory=dict)
    portal: PortalSpec = PortalSpec()
    steps: tuple[Step, ...] = ()
    finally_steps: tuple[Step, ...] = ()
    off: frozenset[str] = frozenset()

    def every_step(self) -> Iterator[Step]:
        """Give every step of the file, those that happen at the same time too."""
        for step in (*self.steps, *self.finally_steps):
            yield step
            yield from step.steps
