"""The verbs as a tester looks them up, from their own definitions."""

from __future__ import annotations

from collections.abc import Iterator

from mfa_simulator.language.format.examples import example_file
from mfa_simulator.language.format.kinds import Key
from mfa_simulator.language.format.verbs import VERBS, Verb


def verb_list() -> str:
    """Give every verb with what it does, one a line."""
    width = max(len(verb.name) for verb in VERBS)
    return "\n".join(f"{verb.name.ljust(width)}  {verb.about}" for verb in VERBS)


def verb_page(verb: Verb) -> str:
    """Give all there is to say of a verb, with a whole file as its example."""
    return "\n".join(_lines(verb)) + f"\n\nExample:\n\n{example_file(verb.name)}"


def _lines(verb: Verb) -> Iterator[str]:
    yield f"{verb.name}: {verb.about}"
    if verb.scalar is not None:
        yield f"  takes {verb.scalar.name}"
    width = max((len(key.name) for key in verb.keys), default=0)
    for key in verb.keys:
        yield f"  {key.name.ljust(width)}  {_key(key)}"
    for rule in verb.rules:
        yield f"  exactly one of {', '.join(rule.names)}"
    if verb.must is not None:
        yield f"  without expect it must end in {' or '.join(verb.must)}"


def _key(key: Key) -> str:
    notes = "required" if key.required else f"default {key.default_text}" if key.default_text else ""
    return f"{key.kind.name}: {key.about}" + (f" ({notes})" if notes else "")
