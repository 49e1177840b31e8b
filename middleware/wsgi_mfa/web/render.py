"""The pages as HTML: templates, and the one way to fill them.

Every value is escaped, and a name that a template asks for and is not given is an error: a page with a hole in it would
be worse than none. The templates say in their first line what they need beside the names of ``base.html``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from wsgi_mfa.core.instants import utc_text

if TYPE_CHECKING:
    from jinja2 import Environment

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def render_page(name: str, context: Mapping[str, object], *, nonce: str) -> str:
    """The page ``name`` (a template's name without its ending) as a whole HTML document.

    ``nonce`` stands at the page's one style and one script, for the content security policy (R75).

    :raises jinja2.UndefinedError: the template asks for a name that ``context`` lacks.
    """
    return _environment().get_template(f"{name}.html").render(context, nonce=nonce)


def in_words(seconds: int) -> str:
    """A time to wait as people say it, such as "2 minutes" or "1 hour and 5 minutes".

    At most two units, rounded up: nobody shall come back too early because of what a page said.
    """
    seconds = max(seconds, 1)
    largest = next(place for place, (_, size) in enumerate(_UNITS) if seconds >= size)
    _, grain = _UNITS[min(largest + 1, len(_UNITS) - 1)]
    left = -(-seconds // grain) * grain
    parts = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}" if count == 1 else f"{count} {unit}s")
    return " and ".join(parts)


@cache
def _environment() -> Environment:
    # Imported late: most requests pass through, and never see a page of ours.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("wsgi_mfa.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["in_words"] = in_words
    environment.filters["utc"] = utc_text
    return environment
