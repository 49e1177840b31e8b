"""Which paths need no second factor: none, but for a short list of plain paths (R63-R65).

A rule matches the path below the application's root, segment for segment, and a path with anything in it that
two readers could read in two ways is never exempt. Query, headers and method do not matter. The root itself is
left out on purpose: a server was seen to take it from a request header, so that ``/static/reports`` could be
asked for as the page ``/reports`` of an application "mounted" at ``/static``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from wsgi_mfa.core.errors import InvalidPolicyError, InvalidUserError
from wsgi_mfa.core.usernames import canonical, is_named, may_name

# Unreserved characters and the harmless of RFC 3986 section 3.3; no `;`, `%`, `\`, no space, nothing but ASCII.
_SEGMENT = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,=:@]+", re.ASCII)
# In a rule `*` would look like a pattern, and so would most of the rest.
_RULE_SEGMENT = re.compile(r"[A-Za-z0-9\-._~@+]+", re.ASCII)


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
_METHOD = re.compile(r"[A-Z]+", re.ASCII)
_METHODS = re.compile(r"[A-Z]+(,[A-Z]+)*", re.ASCII)
_FRESH = re.compile(r"fresh\(([0-9]{1,6})\)", re.ASCII)
_CONDITIONS = ("methods", "path", "user", "group")
LEGAL = (
    "a table with conditions (methods, path, user, group) and either second_factor or max_age_seconds, such as"
    ' {path = "/transfers", max_age_seconds = 300}'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRule:
    """One rule: its conditions, where an absent one holds for all requests, and what is asked for then.

    Exactly one of ``second_factor`` and ``max_age_seconds`` is given. ``second_factor=False`` needs a condition on
    path, user or group.

    :raises InvalidPolicyError: a member has no legal value; the message names it.
    """

    methods: tuple[str, ...] = ()
    path: str | None = None
    user: str | None = None
    group: str | None = None
    second_factor: bool | None = None
    max_age_seconds: int | None = None

    def __post_init__(self) -> None:
        methods = self.methods
        if not isinstance(methods, list | tuple) or not all(
            isinstance(each, str) and _METHOD.fullmatch(each) for each in methods
        ):
            raise _illegal("methods", methods, 'a list of methods in capitals, such as ["POST", "PUT"]')
        object.__setattr__(self, "methods", tuple(methods))
        if self.path is not None and not is_rule(self.path):
            raise _illegal("path", self.path, "a plain path such as /transfers, below the application's root")
        for name, value in (("user", self.user), ("group", self.group)):
            if value is not None and (not isinstance(value, str) or not value):
                raise _illegal(name, value, f"the name of a {name}")
        if self.user is not None:
            try:
                canonical(self.user)
            except InvalidUserError as error:
                raise _illegal("user", self.user, f"the name of a user ({error.reason})") from None
        age = self.max_age_seconds
        if age is not None and (
            isinstance(age, bool) or not isinstance(age, int) or not 1 <= age <= AGE_SECONDS_MAX
        ):
            raise _illegal("max_age_seconds", age, f"1 to {AGE_SECONDS_MAX}")
        if self.second_factor not in (None, True, False):
            raise _illegal("second_factor", self.second_factor, "true and false")
        if (self.second_factor is None) == (age is None):
            raise _illegal(
                "second_factor", self.second_factor, "exactly one of second_factor and max_age_seconds"
            )
        if self.second_factor is False and (self.path, self.user, self.group) == (None, None, None):
            raise _illegal("second_factor", False, "false only beside a path, a user or a group")

    @property
    def age_seconds_max(self) -> int | None:
        """The greatest age of the second factor: None where none is asked for, and 0 where its age does not matter."""
        return None if self.second_factor is False else self.max_age_seconds or 0

    def __str__(self) -> str:
        """Return the rule as it stands in a TOML file."""
        lines = ["[[policy.rules]]"]
        for field in fields(self):
            value = getattr(self, field.name)
            if value not in (None, ()):
                lines.append(f"{field.name} = {json.dumps(value, ensure_ascii=False)}")
        return "\n".join(lines)


#: As without a rule.
REQUIRED = AccessRule(second_factor=True)


def read_rules(entries: object) -> tuple[AccessRule, ...]:
    """Return the rules of a policy, whose entries are rules or mappings with the same members.

    :raises InvalidPolicyError: an entry is no rule; for a line of the old form the message has it as a table.
    """
    if not isinstance(entries, tuple):
        raise InvalidPolicyError("rules", entries, f"legal is a tuple, each entry {LEGAL}")
    lines = [entry for entry in entries if isinstance(entry, str)]
    if lines:
        tables = [_of_line(line) for line in lines]
        if None in tables:
            raise InvalidPolicyError("rules", lines[tables.index(None)], f"legal is {LEGAL}")
        written = "\n\n".join(map(str, tables))
        raise InvalidPolicyError("rules", tuple(lines), f"rules are tables now, and these are:\n\n{written}")
    return tuple(entry if isinstance(entry, AccessRule) else _of_table(entry) for entry in entries)


def _of_table(entry: object) -> AccessRule:
    if not isinstance(entry, Mapping):
        raise InvalidPolicyError("rules", entry, f"legal is {LEGAL}")
    members = [field.name for field in fields(AccessRule)]
    for name in entry:
        if name not in members:
            raise InvalidPolicyError(
                "rules", dict(entry), f"{name!r} is no member; legal are {', '.join(members)}"
            )
    return AccessRule(**entry)


def _illegal(name: str, value: object, legal: str) -> InvalidPolicyError:
    return InvalidPolicyError(f"rules: {name}", value, f"legal is {legal}")


def _of_line(text: str) -> AccessRule | None:
    """Return the rule that a line of the form before tables wrote, such as ``POST /transfers -> fresh(300)``."""
    left, arrow, asked = text.rpartition(_ARROW)
    fresh = _FRESH.fullmatch(asked)
    given: dict[str, Any] = {}
    for word in left.split():
        kind, _, value = word.partition(":")
        if _METHODS.fullmatch(word):
            given["methods"] = tuple(word.split(","))
        elif is_rule(word):
            given["path"] = word
        elif kind in ("user", "group") and value:
            given[kind] = value
        else:
            return None
    if not arrow or (fresh is None and asked not in ("off", "required")):
        return None
    given.update(second_factor=asked == "required") if fresh is None else given.update(
        max_age_seconds=int(fresh[1])
    )
    try:
        return AccessRule(**given)
    except InvalidPolicyError:
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """The method and path of a request, and the user who sent it.

    ``method`` and ``path_info`` are as the server gives them, each None if applications may read another one, such as
    from a header. ``groups`` are those of ``user``, and ``spelling`` is that of
    the name, None where spellings do not count.
    """

    method: str | None
    path_info: str | None
    user: str
    groups: tuple[str, ...]
    spelling: str | None = None


def rule_for(rules: tuple[AccessRule, ...], asking: Asking) -> AccessRule:
    """The rule that holds for a request."""
    candidates = [rule for rule in rules if _may_hold(rule, asking)]
    if _is_clear(asking):
        earlier: list[AccessRule] = []
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


def is_insisted_on(rules: tuple[AccessRule, ...], asking: Asking) -> bool:
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


def _strictest(rules: list[AccessRule]) -> AccessRule:
    ages = [rule for rule in rules if rule.age_seconds_max]
    return min(ages, key=lambda rule: rule.age_seconds_max or 0, default=REQUIRED)


def _may_hold(rule: AccessRule, asking: Asking) -> bool:
    """Whether a reader of the request could see in it what the rule is for."""
    return (
        (rule.user is None or _is_for(rule.user, rule, asking))
        and (rule.group is None or rule.group in asking.groups)
        and (not rule.methods or _method_in(asking.method) in (None, *rule.methods))
        and (rule.path is None or is_at_any(asking.path_info, (rule.path,)))
    )


def _is_for(user: str, rule: AccessRule, asking: Asking) -> bool:
    """Return True if a rule for ``user`` is for who asks: a rule that lets users off is for that spelling alone."""
    if rule.age_seconds_max is None:
        return is_named(user, asking.user, asking.spelling)
    return may_name(user, asking.user)


def _holds(rule: AccessRule, asking: Asking) -> bool:
    """Whether a rule that may hold does so for every reader of the request."""
    method, path_info = _method_in(asking.method), asking.path_info
    return (not rule.methods or method is not None) and (
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
