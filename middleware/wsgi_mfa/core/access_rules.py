"""Which paths need no second factor: none, but for a short list of plain paths (R63-R65).

A rule matches the path below the application's root, segment for segment, and a path with anything in it that
two readers could read in two ways is never exempt. Query, headers and method do not matter. The root itself is
left out on purpose: a server was seen to take it from a request header, so that ``/static/reports`` could be
asked for as the page ``/reports`` of an application "mounted" at ``/static``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from wsgi_mfa.core.usernames import canonical

# Unreserved characters and the harmless of RFC 3986 section 3.3; no `;`, `%`, `\`, no space, nothing but ASCII.
_SEGMENT = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,=:@]+", re.ASCII)
# In a rule `*` would look like a pattern, and so would most of the rest.
_RULE_SEGMENT = re.compile(r"[A-Za-z0-9\-._~@]+", re.ASCII)


def is_rule(path: object) -> bool:
    """Whether ``path`` can stand in ``exempt_paths``: a plain path, without a pattern in it, and not all of it."""
    if not isinstance(path, str) or not path.startswith("/"):
        return False
    segments = path[1:].split("/")
    return all(_RULE_SEGMENT.fullmatch(each) and each not in (".", "..") for each in segments)


def is_exempt(path_info: str, rules: tuple[str, ...]) -> bool:
    """Whether ``path_info``, as the server gives it, is at or below one of ``rules``."""
    if not rules or not path_info.startswith("/"):
        return False
    segments = path_info[1:].split("/")
    # An empty last segment is a slash at the end; anywhere else it is a double slash.
    plain = all(_SEGMENT.fullmatch(each) and each not in (".", "..") for each in segments[:-1])
    last = segments[-1]
    if not plain or (last and (not _SEGMENT.fullmatch(last) or last in (".", ".."))):
        return False
    return any(path_info == rule or path_info.startswith(rule + "/") for rule in rules)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """The method and path of a request, and the user who sent it.

    ``method`` and ``path_info`` are as the server gives them, each None if applications may read another one, such as
    from a header. ``groups`` are those of ``user``.
    """

    method: str | None
    path_info: str | None
    user: str
    groups: tuple[str, ...]


def rule_for(rules: tuple[Rule, ...], asking: Asking) -> Rule:
    """The rule that holds for a request."""
    candidates = [rule for rule in rules if _may_hold(rule, asking)]
    if _is_clear(asking):
        earlier: list[Rule] = []
        for rule in candidates:
            if _holds(rule, asking):
                # An earlier rule for another spelling of the path may be meant for this very page.
                return _strictest([*earlier, rule]) if earlier else rule
            if rule.age_seconds_max is not None:
                earlier.append(rule)
        return _strictest(earlier)
    fresh = [rule for rule in candidates if rule.age_seconds_max]
    if fresh:
        return _strictest(fresh)
    # A rule that asks for a second factor may be meant; what stands behind it is not reached then.
    first = next(
        (rule for rule in candidates if _holds(rule, asking) or rule.age_seconds_max is not None), REQUIRED
    )
    return first if first.age_seconds_max is None else REQUIRED


def is_insisted_on(rules: tuple[Rule, ...], asking: Asking) -> bool:
    """Whether a rule asks for a second factor here, also of whom a roll-out would let go without.

    That is asked of a request that no rule lets off; so any spelling of a rule's path counts, and each path that
    could be read in two ways.
    """
    return any(rule.age_seconds_max is not None and _may_hold(rule, asking) for rule in rules)


def is_at_any(path_info: str | None, paths: Iterable[str]) -> bool:
    """Whether a path, in any spelling that a reader might understand, is at or below one of the plain ``paths``."""
    if path_info is None or is_ambiguous(path_info):
        return True
    return any(_is_at(path_info, path) for path in paths)


def _strictest(rules: list[Rule]) -> Rule:
    ages = [rule for rule in rules if rule.age_seconds_max]
    return min(ages, key=lambda rule: rule.age_seconds_max or 0, default=REQUIRED)


def _may_hold(rule: Rule, asking: Asking) -> bool:
    """Whether a reader of the request could see in it what the rule is for."""
    return (
        rule.user in (None, asking.user)
        and (rule.group is None or rule.group in asking.groups)
        and (rule.methods is None or _method_in(asking.method) in (None, *rule.methods))
        and (rule.path is None or is_at_any(asking.path_info, (rule.path,)))
    )


def _holds(rule: Rule, asking: Asking) -> bool:
    """Whether a rule that may hold does so for every reader of the request."""
    method, path_info = _method_in(asking.method), asking.path_info
    return (rule.methods is None or method is not None) and (
        rule.path is None or (path_info is not None and is_exempt(path_info, (rule.path,)))
    )


def _method_in(method: str | None) -> str | None:
    """The method that rules go by; None where applications may read another one, such as ``POST`` in ``post``."""
    if method is None or not _METHODS.fullmatch(method.replace("-", "")):
        return None
    return "GET" if method == "HEAD" else method


def _is_clear(asking: Asking) -> bool:
    return _method_in(asking.method) is not None and not (
        asking.path_info is None or is_ambiguous(asking.path_info)
    )


def is_ambiguous(path_info: str) -> bool:
    """Whether two readers could take a path for two pages."""
    segments = path_info[1:].split("/")
    return (
        (path_info != "" and not path_info.startswith("/"))
        or any(each in ("", ".", "..") for each in segments[:-1])
        or any(each.endswith((" ", ".")) for each in segments)
        or _TWO_WAYS.search(path_info) is not None
    )


def _is_at(path_info: str, path: str) -> bool:
    """Whether a path is at or below ``path``, in whatever case."""
    path, below = path.lower(), path_info.lower()
    return below == path or below.startswith(path + "/")
