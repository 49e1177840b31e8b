"""What the gate asks for, where it is not a second factor of today: rules by path, method, user and group (R78).

A rule is a line such as ``POST /transfers -> fresh(300)``, ``/reports group:clerks -> off`` or ``user:batch -> off``:
conditions, all of which must hold, an arrow, and what is asked for. ``required`` is a second factor, as without a rule;
``fresh(N)`` one that is less than N seconds old; ``off`` none. The first rule that holds counts.

A path is at or below that of the rule, segment for segment. A rule that asks for less than it would be without holds
only for a path that nobody can read in two ways, in the same spelling (R63); one that asks for a fresh second factor
holds for any spelling, and for each path that could be read in two ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from wsgi_mfa.core.exempt import is_exempt, is_rule
from wsgi_mfa.core.user import canonical

AGE_SECONDS_MAX = 86_400
_ARROW = " -> "
_TWO_WAYS = re.compile(r"[\x00-\x1f\x7f\\;%]")
_METHODS = re.compile(r"[A-Z]+(,[A-Z]+)*", re.ASCII)
_FRESH = re.compile(r"fresh\(([0-9]{1,6})\)", re.ASCII)
LEGAL = (
    "conditions, an arrow and off, required or fresh(SECONDS), such as 'POST /transfers -> fresh(300)'; conditions are"
    " methods, a plain path, user:NAME and group:NAME, and off needs one of the last three"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line: its conditions, None where any will do, and the greatest age of the second factor in seconds.

    ``age_seconds_max`` is None for ``off``, and 0 for ``required``, where the age does not matter.
    """

    methods: frozenset[str] | None
    path: str | None
    user: str | None
    group: str | None
    age_seconds_max: int | None


#: As without a rule.
REQUIRED = Rule(methods=None, path=None, user=None, group=None, age_seconds_max=0)


def is_gate_rule(text: object) -> bool:
    """Whether ``text`` can stand in ``Policy.rules``."""
    return isinstance(text, str) and _read(text) is not None


@lru_cache(maxsize=64)
def read_rules(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules of a policy, whose lines were checked."""
    return tuple(rule for rule in map(_read, texts) if rule is not None)


def _read(text: str) -> Rule | None:
    left, arrow, asked = text.rpartition(_ARROW)
    fresh = _FRESH.fullmatch(asked)
    ages = {"off": None, "required": 0} if fresh is None else {asked: int(fresh[1])}
    if not arrow or asked not in ages or (fresh and not 1 <= int(fresh[1]) <= AGE_SECONDS_MAX):
        return None
    found: dict[str, str] = {}
    for word in left.split():
        kind, value = _condition(word)
        if kind is None or kind in found:
            return None
        found[kind] = value
    if asked == "off" and not {"path", "user", "group"} & set(found):
        return None  # no second factor for anybody is no rule
    return Rule(
        methods=frozenset(found["methods"].split(",")) if "methods" in found else None,
        path=found.get("path"),
        user=found.get("user"),
        group=found.get("group"),
        age_seconds_max=ages[asked],
    )


def _condition(word: str) -> tuple[str | None, str]:
    if _METHODS.fullmatch(word):
        return "methods", word
    if is_rule(word):
        return "path", word
    kind, colon, value = word.partition(":")
    if colon and value and kind == "user":
        return kind, canonical(value)
    return (kind, value) if colon and value and kind == "group" else (None, "")


def rule_for(
    rules: tuple[Rule, ...], *, method: str, path_info: str, user: str, groups: tuple[str, ...]
) -> Rule:
    """The rule that holds for a request of ``user`` for ``path_info``, as the server gives it."""
    asked = "GET" if method == "HEAD" else method
    holding = [
        rule
        for rule in rules
        if (rule.methods is None or asked in rule.methods)
        and rule.user in (None, user)
        and (rule.group is None or rule.group in groups)
    ]
    if not _is_ambiguous(path_info):
        return next((rule for rule in holding if _is_below(path_info, rule)), REQUIRED)
    fresh = [rule for rule in holding if rule.age_seconds_max]
    if fresh:
        return min(fresh, key=lambda rule: rule.age_seconds_max or 0)
    return next((rule for rule in holding if rule.path is None), REQUIRED)


def is_insisted_on(
    rules: tuple[Rule, ...], *, method: str, path_info: str, user: str, groups: tuple[str, ...]
) -> bool:
    """Whether a rule asks for a second factor here, also of whom a roll-out would let go without.

    That is asked of a request that no rule lets off; so any spelling of a rule's path counts, and each path that
    could be read in two ways.
    """
    asked = "GET" if method == "HEAD" else method
    return any(
        rule.age_seconds_max is not None
        and (rule.methods is None or asked in rule.methods)
        and rule.user in (None, user)
        and (rule.group is None or rule.group in groups)
        and (rule.path is None or _is_ambiguous(path_info) or _is_at(path_info, rule.path))
        for rule in rules
    )


def _is_ambiguous(path_info: str) -> bool:
    segments = path_info[1:].split("/")
    return (
        (path_info != "" and not path_info.startswith("/"))
        or any(each in ("", ".", "..") for each in segments[:-1])
        or segments[-1] in (".", "..")
        or _TWO_WAYS.search(path_info) is not None
    )


def _is_below(path_info: str, rule: Rule) -> bool:
    if rule.path is None:
        return True
    if rule.age_seconds_max:
        return _is_at(path_info, rule.path)
    return is_exempt(path_info, (rule.path,))


def _is_at(path_info: str, path: str) -> bool:
    """Whether a path is at or below ``path``, in whatever case."""
    path, below = path.lower(), path_info.lower()
    return below == path or below.startswith(path + "/")
