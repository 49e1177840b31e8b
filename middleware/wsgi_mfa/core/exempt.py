"""Which paths need no second factor: none, but for a short list of plain paths (R63-R65).

A rule matches the path below the application's root, segment for segment, and a path with anything in it that
two readers could read in two ways is never exempt. Query, headers and method do not matter. The root itself is
left out on purpose: a server was seen to take it from a request header, so that ``/static/reports`` could be
asked for as the page ``/reports`` of an application "mounted" at ``/static``.
"""

from __future__ import annotations

import re

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
