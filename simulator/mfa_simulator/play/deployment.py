"""Stories against a portal that is deployed somewhere: over HTTP and in real time, as people come to it.

Nothing of the deployment is looked into: no store, no log, no clock. What a story needs of these cannot be played, and
`unplayable_parts` names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from mfa_simulator.errors import RequestTimeoutError, StepError
from mfa_simulator.language.format.program_verbs import PROGRAM_VERBS
from mfa_simulator.language.format.verbs import TOGETHER, VALUE
from mfa_simulator.language.quantities import SECOND, TimePoint, duration_text
from mfa_simulator.language.scenario import START, NetworkSpec, Scenario, Step
from mfa_simulator.play.running import Play, PlayedStep, play_step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.clocks import TrueTime
from mfa_simulator.world.http import CLIENT_ADDRESS, ORIGIN, Request, Response
from mfa_simulator.world.page import read_page
from mfa_simulator.world.recorder import Delivery
from mfa_simulator.world.reply_reader import MOUNT_PATH
from wsgi_mfa.clock import Clock, SystemClock

WAIT_MAX = 120 * SECOND
TIMEOUT_SECONDS = 30  # as long as an emulated browser waits
INSIDE = (
    *("server_clock", "restart", "rotate_keys", "change_policy", "store_fails"),
    *("support_reset", "support_unlock", "show_unlock_code", "support_forget_drift", "support_invite"),
    *("revoke_sessions", "remove_account", "reset_all"),
    *(verb.name for verb in PROGRAM_VERBS),
    *("change_user", "directory_fails", "slow_portal", "slow_store"),
    *("stale_reads", "stall_worker", "end_worker", "delete_user", "end_portal_sessions"),
    *(
        "rename_account",
        "settle_spelling",
        "backup_store",
        "restore_store",
        "close_store",
        "open_store",
        "fence_store",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What a user of a story types at the deployed portal."""

    name: str
    password: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a deployed portal is: its origin, a page for signed-in users, the path that signs out, and who may be used.

    `logins` are by the users' names in the stories; who is not there types what the file says.
    """

    origin: str
    home: str = "/"
    sign_out: str = "/sign-out"
    logins: Mapping[str, Login]


def origin_of(url: str) -> str:
    """Give the origin that a URL names; raises ValueError for one that is more or less than that."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not the address of a site, such as https://portal.example.com")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(
            f"{url}: only scheme, host and port are legal, such as {parts.scheme}://{parts.hostname}"
        )
    return f"{parts.scheme}://{parts.netloc}"


def unplayable_parts(scenario: Scenario) -> Iterator[str]:
    """Name everything in a scenario that needs virtual time, or the inside of the server."""
    for name, is_asked in (
        ("policy", bool(scenario.policy)),
        ("workers", scenario.workers > 1),
        ("start", scenario.start != START),
        ("addresses of browsers", any(each.address != CLIENT_ADDRESS for each in scenario.browsers.values())),
        ("network client_timeout", scenario.network.client_timeout != NetworkSpec().client_timeout),
    ):
        if is_asked:
            yield name
    for step in scenario.every_step():
        for reason in _reasons(step):
            yield f"line {step.position.line}: {reason}"


def _reasons(step: Step) -> Iterator[str]:
    if step.verb in (*INSIDE, TOGETHER):
        yield step.verb
    value = step.arguments.get(VALUE)
    if step.verb == "wait" and step[VALUE] > WAIT_MAX:
        yield f"wait {duration_text(step[VALUE])}, and no wait is longer than {duration_text(WAIT_MAX)}"
    if isinstance(value, TimePoint) and value.anchor != "step":
        yield f"wait_until {value.anchor}"
    spans = (step.arguments.get("every") or 0) * (step.arguments.get("times") or 1)
    if spans > WAIT_MAX:
        yield f"{step.verb} for {duration_text(spans)}"
    if "client_timeout" in step.network:
        yield "network client_timeout"
    if step.expect is not None and step.expect.events is not None:
        yield "expect events"


class RealTime(TrueTime):
    """The time of this machine; waiting takes as long as it takes."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        super().__init__(self._clock.now())

    def now(self) -> int:
        """Give the present instant."""
        return self._clock.now()

    def wait(self, span: int) -> None:
        """Sleep for a span."""
        self.wait_until(self.now() + span)

    def wait_until(self, at: int) -> None:
        """Sleep up to an instant."""
        while (left := at - self.now()) > 0:
            self._clock.sleep(left / SECOND)


class _NoWall:
    """Nobody's wall clock is set in real time."""

    def show(self, now: int) -> None: ...


class DeployedWorld(World):
    """The people of a story, their phones and browsers, in front of a deployed portal."""

    def __init__(self, scenario: Scenario, target: Target) -> None:
        self._target = target
        super().__init__(scenario, _NoWall(), time=RealTime())
        self.portal = replace(self.portal, home=target.home, sign_out=target.sign_out)
        for name, login in target.logins.items():
            if name in self.user_states:
                user_state = self.user_states[name]
                user_state.spec = replace(user_state.spec, name=login.name, password=login.password)
                # Browsers know their users by what was typed.
                self.user_states[login.name] = user_state

    def _deliver(self, request: Request) -> Response:
        """Send a request over the wire."""
        at = self.time.now()
        response = _sent(request, self._target)
        self.recorder.current.deliveries.append(
            Delivery(at=at, worker=1, clock_error=0, request=request, response=response)
        )
        return response


def _sent(request: Request, target: Target) -> Response:
    parts = urlsplit(target.origin)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    headers = {name: value.replace(ORIGIN, target.origin) for name, value in request.headers}
    try:
        connection.request(request.method, request.url.removeprefix(ORIGIN), request.body or None, headers)
        reply = connection.getresponse()
        body = reply.read()
    except TimeoutError as error:
        raise RequestTimeoutError(f"no reply to {request.method} {request.path}") from error
    except (OSError, HTTPException) as error:
        raise StepError(f"{target.origin} does not answer: {error}") from error
    finally:
        connection.close()
    found = tuple((name, value.replace(target.origin, ORIGIN)) for name, value in reply.getheaders())
    return _read(request, Response(status=reply.status, headers=found, body=body))


def _read(request: Request, response: Response) -> Response:
    """Tell who answered, the portal or the middleware, by what a browser sees of it."""
    location = response.header("Location") or ""
    kind = (response.header("Content-Type") or "").partition(";")[0]
    ours = request.path.startswith(MOUNT_PATH) or location.startswith(MOUNT_PATH)
    if ours or kind == "application/problem+json" or b"data-page=" in response.body:
        return response
    page = read_page(response.text) if kind == "text/html" else None
    is_shown = 200 <= response.status < 300
    signed_in = is_shown and page is not None and not page.asks_for_password
    return replace(response, from_app=True, user_seen="somebody" if signed_in else None)


def play_against(scenario: Scenario, target: Target) -> Play:
    """Play a scenario at a deployed portal; no invariant is watched, since they need the inside of the server."""
    world = DeployedWorld(scenario, target)
    moments: list[PlayedStep] = []
    with world.recorder.noting_logs("wsgi_mfa"):
        for step in scenario.steps:
            moments += play_step(world, step)
            if moments[-1].failures:
                break
        for step in scenario.finally_steps:
            moments += play_step(world, step)
    return Play(scenario=scenario, moments=tuple(moments))
