"""Crowds: one user of a file that means many users, each with a name, an address and clocks of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mfa_simulator.language.quantities import at_least_zero, duration
from mfa_simulator.language.scenario import ClockSetting, Step, UserSpec

MEMBERS_MAX = 5000
_NORMAL = re.compile(r"normal\(\s*([^;,()]+?)\s*[;,]\s*([^;,()]+?)\s*\)")
_DRAWS, _RANGE = 12, 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Normal:
    """A span that is drawn for each phone, from a normal distribution."""

    mean: int
    deviation: int

    def drawn(self, name: str) -> int:
        """Return the span for one name: the same on every Python and on every machine."""
        digest = hashlib.shake_256(name.encode()).digest(2 * _DRAWS)
        # Twelve uniform numbers together have the variance of one normal number with the deviation of their range.
        total = sum(int.from_bytes(digest[at : at + 2], "big") for at in range(0, 2 * _DRAWS, 2))
        return self.mean + self.deviation * (total - _DRAWS * (_RANGE - 1) // 2) // _RANGE


def span_or_normal(text: str) -> int | Normal:
    """Read a duration, or `normal(MEAN, DEVIATION)` with two of them."""
    match = _NORMAL.fullmatch(text)
    if match is not None:
        return Normal(mean=duration(match[1]), deviation=at_least_zero(match[2]))
    if text.startswith("normal"):
        raise ValueError(f'"{text}" is not normal(MEAN, DEVIATION), such as normal(0s, 2s)')
    return duration(text)


def members(user: UserSpec, count: int | None, seed: int) -> Iterator[UserSpec]:
    """Yield the users that a user of the file means: `count` of them, or the one alone."""
    for number in range(1, (count or 1) + 1):
        name = user.name if count is None else f"{user.name}{number}"
        email = user.email if count is None or user.email is None else _numbered_address(user.email, number)
        phones = {phone: _clock(clock, f"{seed}:{name}:{phone}") for phone, clock in user.phones.items()}
        yield replace(user, name=name, email=email, phones=phones)


def _clock(clock: ClockSetting, name: str) -> ClockSetting:
    offset: Any = clock.offset
    return replace(clock, offset=offset.drawn(name)) if isinstance(offset, Normal) else clock


def _numbered_address(email: str, number: int) -> str:
    local, at, host = email.partition("@")
    return f"{local}{number}{at}{host}"


def steps_of(step: Step, crowds: Mapping[str, int]) -> Iterator[Step]:
    """Yield a step for each member of the crowd that it names: with a browser and an address of the member's own."""
    count = crowds.get(str(step.arguments.get("user")))
    if count is None:
        yield step
        return
    for number in range(1, count + 1):
        names = [key for key in ("user", "browser", "from") if isinstance(step.arguments.get(key), str)]
        own: dict[str, Any] = {key: f"{step[key]}{number}" for key in names}
        if isinstance(step.arguments.get("email"), str):
            own["email"] = _numbered_address(step["email"], number)
        yield replace(step, arguments={**step.arguments, **own})
