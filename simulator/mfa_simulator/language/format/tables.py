"""The other tables of the format: the keys of a file, of `expect`, of `network` and of a user."""

from __future__ import annotations

from typing import Any

from mfa_simulator.language.crowds import MEMBERS_MAX, span_or_normal
from mfa_simulator.language.document import Mapping, Node, Scalar
from mfa_simulator.language.format import kinds, values
from mfa_simulator.language.format.invariant_names import INVARIANTS
from mfa_simulator.language.format.kinds import Key, Kind, Reading, UnreadableError
from mfa_simulator.language.format.outcomes import ALL, EVENT_KINDS, HINTS, PAGE_NAMES
from mfa_simulator.problems import meant_or_legal

# A page may be written by its name, by its address, or as its address without the mount path.
PAGE_SPELLINGS = {
    spelling: page
    for page in PAGE_NAMES
    for spelling in (page, f"/mfa/{page}", page.replace("-", "_").replace("/", "_"))
}


def _page(text: str) -> str:
    if text not in PAGE_SPELLINGS:
        raise ValueError(f'no page "{text}".{meant_or_legal(text, PAGE_NAMES, what="The pages")}')
    return PAGE_SPELLINGS[text]


def _event(text: str) -> str:
    if text not in EVENT_KINDS:
        raise ValueError(f'no event "{text}".{meant_or_legal(text, EVENT_KINDS, what="The events")}')
    return text


PAGE = kinds.scalar("PAGE", "the name of a page", _page, {"enum": list(PAGE_SPELLINGS)}, rule="unknown-name")
EVENT = kinds.scalar("EVENT", "an event", _event, {"enum": list(EVENT_KINDS)}, rule="unknown-name")

AS_USER = "as_user"


def _called(text: str) -> str:
    if text == AS_USER:
        return text
    try:
        return "yes" if kinds.yes_or_no(text) else "no"
    except ValueError as error:
        raise ValueError(f"{error}, and not {AS_USER}") from error


CALLED = kinds.scalar(
    "yes, no or as_user",
    "yes, no or as_user",
    _called,
    {"anyOf": [values.TICK.schema, {"enum": [AS_USER]}]},
)
EXPECT = (
    Key(
        name="outcome",
        kind=kinds.one_or_many(kinds.choice("OUTCOME", ALL)),
        about="one, or a list of which any will do",
    ),
    Key(name="hint", kind=kinds.choice("HINT", HINTS), about="what the page says beside the outcome"),
    Key(
        name="recovery_code",
        kind=kinds.choice("RECOVERY_CODE", ("new", "none")),
        about="whether a new one was shown",
    ),
    Key(
        name="app_called",
        kind=CALLED,
        about="whether the portal itself was asked, since the deciding request; as_user: and was told who is there",
    ),
    Key(name="retry_after", kind=values.SECONDS, about="how long the page asks to wait"),
    Key(name="evaluated", kind=kinds.whole(0), about="how many of the codes sent were looked at"),
    Key(name="status", kind=kinds.whole(100, 599), about="the status of the last reply"),
    Key(name="page", kind=PAGE, about="which page the browser shows"),
    Key(name="shows", kind=values.NAMES, about="words that the page says, in whatever case"),
    Key(name="hides", kind=values.NAMES, about="words that the page does not say"),
    Key(
        name="events",
        kind=kinds.one_or_many(EVENT, fewest=0),
        about="what the audit log must have noted in this step, among others; []: nothing at all",
    ),
)

NETWORK = (
    Key(name="latency", kind=values.SPAN, about="how long a request is under way"),
    Key(name="jitter", kind=values.SPAN, about="up to so much more, from the seed"),
    Key(name="lose", kind=kinds.choice("LOSE", ("request", "response")), about="what never arrives"),
    Key(name="cut", kind=values.CUT, about="how many bytes of the reply's body arrive; yes: the first half"),
    Key(name="duplicate", kind=values.TICK, about="the server gets the request twice"),
    Key(name="client_timeout", kind=values.SPAN, about="when the browser gives up"),
    Key(
        name="request",
        kind=values.TEXT,
        about="which request is meant: a form field (password, code, recovery_code, saved), a path, or METHOD and path",
    ),
)


_SPREAD = kinds.scalar(
    "DURATION or normal(DURATION, DURATION)",
    "a duration such as 45s, or normal(0s, 2s)",
    span_or_normal,
    {"anyOf": [values.DURATION.schema, {"type": "string", "pattern": r"^normal\(.+\)$"}]},
    rule="duration",
)
PHONE_CLOCK = kinds.mapping_of(
    (
        Key(name="offset", kind=_SPREAD, about="ahead of true time by so much (behind when negative)"),
        *(key for key in values.CLOCK_KEYS if key.name in ("drift_ppm", "wrong_zone")),
    ),
    "a phone",
)
USER = (
    Key(name="password", kind=values.PASSWORD, required=True, about="for the portal"),
    Key(name="email", kind=values.TEXT, about="the address that the portal knows"),
    Key(
        name="count",
        kind=kinds.whole(1, MEMBERS_MAX),
        about="so many users of this kind, each with a number behind the name",
    ),
    Key(name="groups", kind=values.NAMES, default=(), about="in which groups the directory has the user"),
    Key(
        name="phones",
        kind=kinds.named(PHONE_CLOCK, "phones", "names to clocks, such as {pixel: {offset: 0s}}"),
        default={},
        about="phones, each with its clock's error",
    ),
)


BROWSER_KEYS = (
    Key(name="address", kind=values.ADDRESS, about="the client address that the server sees"),
    Key(name="headers", kind=values.TEXTS, about="headers beside its own, such as User-Agent"),
)
BROWSER = kinds.mapping_of(BROWSER_KEYS, "a browser")
BROWSERS = kinds.named(BROWSER, "browsers", "names to browsers, such as {laptop: {address: 203.0.113.7}}")


def _invariants_off(node: Node, reading: Reading) -> frozenset[str]:
    """Read which invariants are not looked at in a file, `always: {INVARIANT: off}`."""
    if isinstance(node, Scalar) and node.is_nothing:
        return frozenset()
    if not isinstance(node, Mapping):
        raise UnreadableError(
            node.position, "always is a mapping of invariants to off, such as {liveness: off}", "wrong-shape"
        )
    off = set()
    for name, value in node:
        if name.text not in INVARIANTS:
            legal = meant_or_legal(name.text, INVARIANTS, what="The invariants")
            reading.problems.add(name.position, f'no invariant "{name.text}".{legal}', "unknown-name")
        elif reading.attempt(values.TICK, value) is False:
            off.add(name.text)
    return frozenset(off)


ALWAYS = Kind(
    name="INVARIANTS",
    read=_invariants_off,
    schema={
        "type": ["object", "null"],
        "properties": {
            name: {**values.TICK.schema, "description": f"Whether to watch that {about}."}
            for name, about in INVARIANTS.items()
        },
        "additionalProperties": False,
    },
)

PORTAL_KEYS = (
    Key(
        name="kind",
        kind=kinds.choice("KIND", ("signed", "looked_up", "observed")),
        default="signed",
        about="signed: a signed session cookie; looked_up: sessions of the portal's own, which the adapter asks for;"
        " observed: the same, and the adapter watches the sign-in form",
    ),
    Key(
        name="keeps_session_id",
        kind=values.TICK,
        default=False,
        about="whether a sign-in goes on with the visitor's session id",
    ),
    Key(
        name="signs_in_anywhere",
        kind=values.TICK,
        default=False,
        about="whether every page takes user name and password",
    ),
    Key(
        name="stays_signed_in",
        kind=values.TICK,
        default=False,
        about="whether a sign-in sets a second cookie, which no setting names and which signs its user in alone",
    ),
)
_PORTAL_MAPPING = kinds.mapping_of(PORTAL_KEYS, "the portal")


def _portal(node: Node, reading: Reading) -> dict[str, Any]:
    found: dict[str, Any] = _PORTAL_MAPPING.read(node, reading)
    ways = [name for name, value in found.items() if value is True]
    if ways and found.get("kind", "signed") == "signed":
        raise UnreadableError(
            node.position,
            f"{ways[0]} needs a portal that keeps its sessions itself: kind is looked_up or observed",
            "wrong-value",
        )
    return found


PORTAL = Kind(name="PORTAL", read=_portal, schema=_PORTAL_MAPPING.schema)

# The keys of a file, each with what it is for.
TOP = {
    "scenario": "The title, in one sentence.",
    "about": "More words.",
    "tags": "A word or a list of words.",
    "start": "The instant at which the story begins; the default is the boundary of a time step.",
    "seed": "All chance of the run comes from it.",
    "policy": "Settings of the middleware, by the names of its `Policy`.",
    "users": "The users of the portal, by their names.",
    "network": "What the network does to every request.",
    "browsers": "Browsers by their names, with their addresses and headers; others are made when they are first used.",
    "portal": "Which reference portal is wrapped, and what it does that opens ways in.",
    "workers": "How many processes serve the portal; they take turns and share one store.",
    "programs": "Whether the portal has a calendar for programs with app passwords.",
    "include": "The path of a file, or a list of paths, whose users, browsers and blocks count here too.",
    "blocks": "Lists of steps by name; a step `use: NAME` puts them in its place.",
    "matrix": "Lists of values for places of the file; each combination is a scenario of its own.",
    "always": "Which invariants are not watched, such as {liveness: off}.",
    "steps": "What happens.",
    "finally": "Steps that are played at the end, after a failure too.",
}
STEP = ("expect", "network")
