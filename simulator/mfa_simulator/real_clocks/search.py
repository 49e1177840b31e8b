"""Plays a portal in a decoy year, and looks for the present in what it answers.

The process is frozen in that year, and everything that asks for the time in the usual ways sees it. So an instant of
the present in a reply comes from a clock that stories cannot move.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mfa_simulator.language.parser import parse
from mfa_simulator.language.quantities import instant
from mfa_simulator.language.scenario import Scenario
from mfa_simulator.play.running import play_unjudged_in
from mfa_simulator.play.simulated_world import World
from mfa_simulator.real_clocks.instants import ShownInstant, instants_in
from mfa_simulator.real_clocks.sources import Sources, held_clocks, noting
from mfa_simulator.world.clocks import WallClock, frozen_wall_clock, real_now
from mfa_simulator.world.http import ORIGIN, Response
from mfa_simulator.world.portal import Portal, PortalFactory, imported_factory, portal_of
from mfa_simulator.world.recorder import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


NOTHING = Response(status=0)
DECOY = "2001-02-03T04:05:00Z"
PAGES_MAX = 50
AROUND = 20
TEXT_MAX = 50_000  # of a body: who writes an instant at its end wrote one before
DAY = 86_400.0
# How far from the present an instant still tells of it: cookies and caches last for up to a year, and a bare date or
# time may be that of another zone.
BEFORE_SECONDS, AFTER_SECONDS = 1.2 * DAY, 400 * DAY
# A search takes no longer than that from the first reply to the last.
FRESH_SECONDS = 120
STORY = """
scenario: Somebody who signs in and looks at every page
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: }}
steps:
  - visit: {browser: stranger}
  - password: {user: user1, browser: stranger, wrong: yes}
  - enroll: {user: user1, browser: laptop, phone: pixel}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class RealClockLeak:
    """A real clock that shows: where first, as what, within which words, how far from the present (seconds).

    `files` were looked at and are as old; `times` counts the instants in that place of all replies.
    """

    where: str
    shown: ShownInstant
    around: str
    ahead: float
    files: tuple[str, ...] = ()
    times: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """What a search found.

    `asked` are the real clocks that were asked while the portal answered, `held` those that code had bound before.
    """

    replies: int
    signed_in: bool
    leaks: tuple[RealClockLeak, ...]
    asked: tuple[str, ...]
    held: tuple[str, ...]


def search(app: str, scenarios: Sequence[Scenario] = ()) -> SearchResult:
    """Play a portal, named `MODULE:FACTORY`, and find the real clocks that show in its replies.

    Beside the story of somebody who signs in and follows every link, `scenarios` are played from the decoy year on.
    Raises PortalError when the portal cannot be made.
    """
    sources = Sources()
    with frozen_wall_clock(instant(DECOY)) as wall, noting(sources):
        factory = _noted(imported_factory(app), sources)
        exchanges, signed_in = _first_story(wall, factory)
        for scenario in scenarios:
            played = play_unjudged_in(World(replace(scenario, start=instant(DECOY)), wall, factory))
            exchanges += [exchange for moment in played.moments for exchange in moment.exchanges]
        held = held_clocks()
    replies = [exchange for exchange in exchanges if exchange.served is not None]
    return SearchResult(
        replies=len(replies),
        signed_in=signed_in,
        leaks=tuple(_leaks(replies, sources)),
        asked=tuple(sources.notes),
        held=tuple(held),
    )


def _noted(factory: PortalFactory, sources: Sources) -> PortalFactory:
    """Give a factory whose portals say when they are at work."""

    def make(users: Mapping[str, Any], secret_key: str) -> Portal:
        portal = portal_of(factory, users, secret_key)
        return replace(portal, application=_at_work(portal.application, sources))

    return make


def _at_work(application: WSGIApplication, sources: Sources) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        sources.active = True
        try:
            chunks = application(environ, start_response)
            try:
                return list(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        finally:
            sources.active = False

    return answer


def _first_story(wall: WallClock, factory: PortalFactory) -> tuple[list[Exchange], bool]:
    """Sign in and follow every link of the portal's own; give what was exchanged and whether somebody got in."""
    (scenario,) = parse(f"start: {DECOY}{STORY}", file="the story of the search")
    world = World(scenario, wall, factory)
    played = play_unjudged_in(world)
    exchanges = [exchange for moment in played.moments for exchange in moment.exchanges]
    signed_in = played.moments[-1].found.outcome == "signed_in"
    browser, ahead, seen = world.browsers["laptop"], deque(_links(world)), {world.portal.home}
    with world.recorder.recording() as record:
        while ahead and len(seen) <= PAGES_MAX and signed_in:
            path = ahead.popleft()
            if path not in seen:
                seen.add(path)
                browser.open(path)
                ahead += _links(world)
    return [*exchanges, *record.exchanges], signed_in


def _links(world: World) -> list[str]:
    """Give where the links of the shown page lead to, but for our own pages and the way out."""
    page_state = world.browsers["laptop"].page_state
    found = []
    for link in page_state.page.links if page_state is not None else ():
        parts = urlsplit(link.href)
        foreign = parts.netloc and f"{parts.scheme}://{parts.netloc}" != ORIGIN
        if not foreign and parts.path.startswith("/") and not parts.path.startswith("/mfa/"):
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            found += [path] if parts.path != world.portal.sign_out else []
    return found


def _leaks(replies: Iterable[Exchange], sources: Sources) -> Iterator[RealClockLeak]:
    """Give each place that shows the present once: a header and a cookie once for all pages, a body by its path."""
    now = real_now()
    found: dict[tuple[str, float], RealClockLeak] = {}
    for exchange in replies:
        request = f"{exchange.request.method} {exchange.request.path}"
        for place, text in _places(exchange.served or NOTHING):
            for shown in instants_in(text):
                key = (f"{request} {place}" if place == "body" else place, shown.grain)
                if key in found:
                    found[key] = replace(found[key], times=found[key].times + 1)
                    continue
                files = _files_of(shown, sources)
                if _tells_of_now(shown, shown.at - now, files):
                    found[key] = RealClockLeak(
                        where=f"{request}, {place}",
                        shown=shown,
                        around=_around(shown, text),
                        ahead=shown.at - now,
                        files=tuple(files),
                    )
    yield from found.values()


def _files_of(shown: ShownInstant, sources: Sources) -> list[str]:
    if shown.grain == DAY:
        return []
    return [
        name for name, changed_at in sources.files.items() if abs(changed_at - shown.at) < 2 * shown.grain
    ]


def _tells_of_now(shown: ShownInstant, ahead: float, files: list[str]) -> bool:
    """Whether an instant is one of a clock, and not one of the past that was written down."""
    if not _is_near(shown, ahead):
        return False
    return shown.grain == DAY or bool(files) or ahead > -FRESH_SECONDS or _may_be_local(shown, ahead)


def _around(shown: ShownInstant, text: str) -> str:
    """Give the line with an instant in it, or as much of it as tells which one it is."""
    at = text.find(shown.text)
    words = text[max(0, at - AROUND) : at + len(shown.text) + AROUND]
    return " ".join(words.split())


def _is_near(shown: ShownInstant, ahead: float) -> bool:
    """Whether an instant may tell of the present: a day by being it, an instant also by lying some time ahead of it."""
    if shown.grain == DAY:
        return -BEFORE_SECONDS - DAY < ahead < BEFORE_SECONDS
    return -BEFORE_SECONDS < ahead < AFTER_SECONDS


def _may_be_local(shown: ShownInstant, ahead: float) -> bool:
    """Whether it is the present in some zone, written without it."""
    quarters = ahead / 900
    return ":" in shown.text and abs(quarters - round(quarters)) * 900 < FRESH_SECONDS


def _places(response: Response) -> Iterator[tuple[str, str]]:
    for name, value in response.headers:
        if name.lower() != "set-cookie":
            yield f"header {name}", value
            continue
        pair, _, attributes = value.partition(";")
        cookie, _, text = pair.partition("=")
        yield f"cookie {cookie}", text
        expires = re.search(r"expires=([^;]*)", attributes, re.IGNORECASE)
        if expires:
            yield f"cookie {cookie}, Expires", expires[1]
    yield "body", response.text[:TEXT_MAX]
