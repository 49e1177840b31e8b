"""What lasts: codes while they are good, sessions while they are open, locks while they hold.

All of it is read off the moments of a play: the phones' errors, the accounts after each step, the cookies sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.play.running import PlayedStep
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account

CODE, SESSION, LOCK = "code", "session", "lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """Something that lasts, on the lane of somebody; instants in microseconds of true time.

    `shown_from` and `shown_to` are there for a code: when its phone shows it, while `from_at` and `to_at` say when the
    server takes it.
    """

    kind: str
    lane: tuple[str, str]
    from_at: int
    to_at: int
    label: str
    shown_from: int | None = None
    shown_to: int | None = None


def bands_of(moments: Sequence[PlayedStep]) -> Iterator[Band]:
    """Give the bands of a play."""
    for before, moment in zip((None, *moments), moments, strict=False):
        code = _code(before, moment)
        if code is not None:
            yield code
    yield from _sessions(moments)
    yield from _locks(moments)


def _code(before: PlayedStep | None, moment: PlayedStep) -> Band | None:
    """Give the code that a step's phone showed when it was read, if the step was about one."""
    step = moment.step
    if step.arguments.get("phone") is None or moment.phone_error is None:
        return None
    sent = [exchange for exchange in moment.exchanges if exchange.about == "code"]
    if not sent and step.verb != "read_code":
        return None
    read_at = moment.at - (step.arguments.get("typing") or 0)
    period = moment.policy.period_seconds * SECOND
    number = (read_at + moment.phone_error) // period
    shown_from = number * period - moment.phone_error
    user = step.arguments.get("user")
    known = (before.accounts if before is not None else {}).get(user.casefold()) if user else None
    drift = known.authenticator.drift_steps if known is not None and known.authenticator else 0
    first, last = (
        number - drift - moment.policy.steps_ahead,
        number - drift + moment.policy.steps_back + 1,
    )
    server = moment.deliveries[-1].clock_error if moment.deliveries else 0
    return Band(
        kind=CODE,
        lane=("phone", step["phone"]),
        from_at=first * period - server,
        to_at=last * period - server,
        label=f"the code read for {step.verb}",
        shown_from=shown_from,
        shown_to=shown_from + period,
    )


def _sessions(moments: Sequence[PlayedStep]) -> Iterator[Band]:
    """Give each session from its opening to its end, on the lane of the browser that was given its cookie."""
    open_now: dict[str, Band] = {}
    holders = _Holders(moments)
    for moment in moments:
        found = {
            session.id: (account, session)
            for account in moment.accounts.values()
            for session in account.sessions
        }
        for session_id in [known for known in open_now if known not in found]:
            band = open_now.pop(session_id)
            yield replace(band, to_at=min(band.to_at, max(moment.at, band.from_at)))
        for session_id, (account, session) in found.items():
            opened = open_now.get(session_id)
            opened_at = min(max(session.verified_at, moment.began_at), moment.ended_at)
            open_now[session_id] = Band(
                kind=SESSION,
                lane=("browser", opened.lane[1] if opened is not None else holders.of(session_id)),
                from_at=opened.from_at if opened is not None else opened_at,
                to_at=_runs_out(session.verified_at, session.seen_at, moment.policy),
                label=f"a session of {account.user}, by {session.method.value.replace('_', ' ')}",
            )
    end = moments[-1].ended_at if moments else 0
    for band in open_now.values():
        yield replace(band, to_at=max(min(band.to_at, end), band.from_at))


def _runs_out(verified_at: int, seen_at: int, policy: Policy) -> int:
    """Give when a session ends if nobody uses it; activity is noted in grains of a 60th of the idle limit (D23)."""
    idle_seconds = policy.session_idle_seconds + policy.session_idle_seconds // 60
    return min(seen_at + idle_seconds * SECOND, verified_at + policy.session_seconds_max * SECOND)


class _Holders:
    """Knows to which browser the cookie of a session was sent."""

    def __init__(self, moments: Sequence[PlayedStep]) -> None:
        self._sent = [
            (str(moment.step.arguments.get("browser")), header)
            for moment in moments
            for exchange in moment.exchanges
            if exchange.served is not None
            for header in exchange.served.headers_named("Set-Cookie")
        ]

    def of(self, session_id: str) -> str:
        return next((browser for browser, header in self._sent if session_id in header), "elsewhere")


def _locks(moments: Sequence[PlayedStep]) -> Iterator[Band]:
    """Give each lock, until its time is over or somebody lifts it."""
    held: dict[tuple[str, str, int], Band] = {}
    for moment in moments:
        now_held = {
            (user, kind, since): seconds
            for user, account in moment.accounts.items()
            for kind, since, seconds in _held(account)
        }
        for key in [known for known in held if known not in now_held]:
            band = held.pop(key)
            yield replace(band, to_at=min(band.to_at, max(moment.at, band.from_at)))
        for key, seconds in now_held.items():
            user, kind, since = key
            held[key] = Band(
                kind=LOCK,
                lane=("user", user),
                from_at=since,
                to_at=since + seconds * SECOND,
                label=f"{kind} locked for {seconds} s",
            )
    yield from held.values()


def _held(account: Account) -> Iterator[tuple[str, int, int]]:
    for kind, failures in (
        ("codes", account.code_failures),
        ("recovery codes", account.recovery_failures),
    ):
        if failures.locked_since is not None:
            yield kind, failures.locked_since, failures.locked_seconds
