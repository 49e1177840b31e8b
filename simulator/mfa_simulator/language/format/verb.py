"""Verbs, and the arguments that many verbs share."""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.language.format import names, values
from mfa_simulator.language.format.kinds import Key, Kind, choice, whole
from mfa_simulator.language.format.outcomes import PAGES
from mfa_simulator.language.quantities import SECOND

VALUE = "value"
TOGETHER = "together"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How the keys of a verb depend on one another: exactly one of them is there."""

    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """One verb; `scalar` is the kind of its value when it takes one value and no mapping.

    `must` holds the outcomes one of which a step without `expect` must reach, None when there is no such rule.
    `answers` holds the outcomes that can be expected of it; it is empty for a verb that sends nothing.
    """

    name: str
    about: str
    keys: tuple[Key, ...] = ()
    scalar: Kind | None = None
    must: tuple[str, ...] | None = None
    answers: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def sends(self) -> bool:
        """Return whether it sends requests, which a network can touch; desk and operators sit beside the server."""
        return bool(self.answers) and any(key.name == "browser" and key.required for key in self.keys)


user = Key(name="user", kind=values.USER, required=True, about="who acts")
some_user = Key(name="user", kind=values.USER, about="who acts; the browser's last user when left out")
browser = Key(
    name="browser", kind=names.BROWSER, required=True, about="in which browser; a new name is a new browser"
)
phone = Key(name="phone", kind=values.PHONE, required=True, about="with which phone")
some_phone = Key(name="phone", kind=values.PHONE, about="with which phone")
typing = Key(name="typing", kind=values.SPAN, default=5 * SECOND, about="from reading the code to sending it")
save = Key(
    name="save",
    kind=values.TICK,
    default=True,
    about="whether the user ticks that the recovery code is stored",
)
remember = Key(
    name="remember",
    kind=values.TICK,
    default=False,
    about="whether the user ticks that no code is asked for in this browser",
)
code = Key(name="code", kind=names.CODE, about="a code as text, or the name of one that was read")
path = Key(name="path", kind=values.PATH, default="/", about="which page")
reason = Key(name="reason", kind=values.TEXT, required=True, about="why, for the audit log")
email = Key(name="email", kind=values.TEXT, required=True, about="the address that the caller names")
agent = Key(
    name="agent", kind=values.TEXT, default="support", about="who of the support desk acts, by the command"
)
desk_browser = Key(
    name="browser",
    kind=names.BROWSER,
    about="over HTTP, by the user who is signed in there; users of the group support are agents",
)
delay = Key(name="delay", kind=values.SPAN, default=0, about="how long the desk takes; the clock moves")
times = Key(name="times", kind=whole(1, 100_000), default=1, about="how often")
every = Key(name="every", kind=values.SPAN, default=0, about="how much time passes between two tries")
origin = Key(name="from", kind=names.BROWSER, about="whose browser")
worker = Key(name="worker", kind=values.WORKER, about="which worker; all when left out")
clock_rule = Rule(names=tuple(key.name for key in values.CLOCK_KEYS))
phone_or_code = Rule(names=("phone", "code"))
as_typed = Key(
    name="typed",
    kind=choice("TYPED", ("plain", "spaced", "look_alikes", "slip")),
    default="plain",
    about="how the code is typed: with a space in the middle, with letters that look like digits, or with one slip",
)


def attack(name: str, about: str, must: tuple[str, ...], *keys: Key) -> Verb:
    return Verb(name=name, about=about, must=must, answers=PAGES, keys=(user, browser, *keys))
