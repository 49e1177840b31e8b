"""An emulated browser: cookies, redirects, forms, and the request that it would send again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlencode, urljoin, urlsplit

from mfa_simulator.errors import RequestTimeoutError, StepError
from mfa_simulator.language.scenario import BrowserSpec, NetworkSpec
from mfa_simulator.world.clocks import TrueTime
from mfa_simulator.world.cookie_jar import CookieJar
from mfa_simulator.world.http import ORIGIN, Headers, Request, Response
from mfa_simulator.world.network import Network
from mfa_simulator.world.network_conditions import DECIDING, NetworkConditions
from mfa_simulator.world.page import Form
from mfa_simulator.world.phone import AuthenticatorKey
from mfa_simulator.world.recorder import Finish, Recorder
from mfa_simulator.world.reply_reader import PageState, read_reply

HOPS_MAX = 20
FORM = "application/x-www-form-urlencoded"
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
NAVIGATION = (
    ("Accept", HTML),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-User", "?1"),
)
TYPED = (*NAVIGATION, ("Sec-Fetch-Site", "none"))
_PLAIN = BrowserSpec()
GONE = PageState(response=Response(status=0), outcome="timeout")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeatable:
    """A request that a user may send again: one that decides, or one that the network of a step touched.

    `finish` carries its verb to its end, `must` holds the outcomes one of which that verb must come to.
    """

    request: Request
    about: str
    finish: Finish | None
    must: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptPage:
    """A page that stays open: what it shows, and its address."""

    page_state: PageState
    url: str


class Browser:
    """One browser, used by one person at a time.

    `sight` is what it shows; `user` who typed a password into it last; `key` what its page last gave to a phone;
    `last` is the request that a retry sends again.
    """

    def __init__(self, *, name: str, network: Network, time: TrueTime, recorder: Recorder) -> None:
        self.name = name
        self.jar = CookieJar()
        self.network_conditions = NetworkConditions(base=NetworkSpec(), changes={})
        self.spec = BrowserSpec()
        self.page_state: PageState | None = None
        self.user: str | None = None
        self.key: AuthenticatorKey | None = None
        self.last_code: str | None = None
        self.last: Repeatable | None = None
        self._network = network
        self._time = time
        self._recorder = recorder
        self._url = ORIGIN + "/"
        self._visited: list[str] = []

    def open(self, path: str) -> str:
        """Go to an address as a link or a typed line does; give the outcome."""
        return self._navigate("GET", _joined(self._url, path))

    def submit(self, form: Form, values: dict[str, str], *, about: str = "") -> str:
        """Fill in a form and send it; `about` is the field that it is about."""
        self.last_code = values.get("code", self.last_code)
        action = _joined(self._url, form.action or self._url)
        pairs = form.filled(values)
        if form.method == "GET":
            return self._navigate("GET", action.partition("?")[0] + "?" + urlencode(pairs))
        return self.post(action, pairs, about=about)

    def post(self, path: str, pairs: list[tuple[str, str]], *, about: str = "") -> str:
        """Send a form that needs no page."""
        return self._navigate(
            "POST", _joined(self._url, path), body=urlencode(pairs).encode("ascii"), about=about
        )

    def resend(self) -> str:
        """Send the last deciding request again, byte for byte, with the cookies that it had then."""
        if self.last is None:
            raise StepError(f"the browser {self.name} has sent no code, recovery code or tick box yet")
        record = self._recorder.current
        record.finish, record.must = self.last.finish, self.last.must
        return self._show(self.last.request, self.last.about)

    def back(self) -> str:
        """Load the page before once more."""
        if len(self._visited) < 2:
            raise StepError(f"the browser {self.name} has no page to go back to")
        self._visited.pop()
        return self._navigate("GET", self._visited.pop())

    def send_raw(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: str,
        *,
        meanwhile: Callable[[], object] | None = None,
    ) -> str:
        """Send one request exactly as written, with the browser's cookies unless it has its own; follow nothing.

        `meanwhile` happens while the body is under way.
        """
        # Not urljoin: it would tidy up the dots and slashes that such a request may be about.
        url, given = ORIGIN + path, tuple(headers.items())
        if any(name.lower() == "cookie" for name in headers):
            request = self._from_here(Request(method=method, url=url, headers=given, body=body.encode()))
        else:
            request = self._request(method, url, body.encode(), given)
        request = replace(request, meanwhile=meanwhile)
        response = self._exchange(request, "")
        return self._see(response).outcome if response is not None else self._lost()

    def new_tab(self) -> Browser:
        """Give another window of the same browser: the same cookies, the same last request, a page of its own."""
        tab = Browser(name=self.name, network=self._network, time=self._time, recorder=self._recorder)
        tab.jar, tab.user, tab.key, tab.last_code = self.jar, self.user, self.key, self.last_code
        tab.last, tab.page_state, tab._url = self.last, self.page_state, self._url
        tab.spec = self.spec
        return tab

    def kept_page(self) -> KeptPage:
        """Give the page that is shown, to be shown again later as it is."""
        if self.page_state is None:
            raise StepError(f"the browser {self.name} shows no page that could be kept")
        return KeptPage(page_state=self.page_state, url=self._url)

    def show_kept(self, page: KeptPage) -> str:
        """Show a page that was kept; nothing is sent."""
        self.page_state, self._url = page.page_state, page.url
        self._recorder.current.saw(page.page_state)
        return self.outcome

    def close(self) -> None:
        """Close the window."""
        self.jar.close()
        self.page_state, self._visited = None, []

    @property
    def can_go_back(self) -> bool:
        """Whether there is a page before the one that is shown."""
        return len(self._visited) > 1

    @property
    def outcome(self) -> str:
        """What the shown page says."""
        return self.page_state.outcome if self.page_state is not None else "error"

    def _navigate(self, method: str, url: str, *, body: bytes = b"", about: str = "") -> str:
        headers = self._headers_of_a_navigation(method)
        request = self._request(method, url, body, headers)
        return self._show(request, about)

    def _headers_of_a_navigation(self, method: str) -> Headers:
        if method != "POST":
            return TYPED
        own = ("Sec-Fetch-Site", "same-origin")
        return (*NAVIGATION, own, ("Origin", ORIGIN), ("Referer", self._url), ("Content-Type", FORM))

    def _request(self, method: str, url: str, body: bytes, headers: Headers) -> Request:
        cookie = self.jar.header(urlsplit(url).path or "/", now=self._time.now())
        if cookie is not None:
            headers = (*headers, ("Cookie", cookie))
        return self._from_here(Request(method=method, url=url, headers=headers, body=body))

    def _from_here(self, request: Request) -> Request:
        """Give a request the address and the further headers of this browser."""
        if self.spec == _PLAIN:
            return request
        own = {name.lower() for name, _ in request.headers}
        more = tuple((name, value) for name, value in self.spec.headers.items() if name.lower() not in own)
        return replace(request, headers=(*request.headers, *more), client_address=self.spec.address)

    def _exchange(self, request: Request, about: str) -> Response | None:
        was_spent = self.network_conditions.spent
        spec = self.network_conditions.for_request(request, about)
        if about in DECIDING or self.network_conditions.spent != was_spent:
            now = self._recorder.current
            self.last = Repeatable(request=request, about=about, finish=now.finish, must=now.must)
        try:
            response = self._network.send(request, spec, about=about)
        except RequestTimeoutError:
            return None
        for header in response.headers_named("Set-Cookie"):
            self.jar.store(header, now=self._time.now())
        return response

    def _show(self, request: Request, about: str) -> str:
        """Send a request and follow where replies lead, until a page stays."""
        for _ in range(HOPS_MAX):
            response = self._exchange(request, about)
            if response is None:
                return self._lost()
            self._url = request.url
            page_state = self._see(response)
            target = response.header("Location") if 300 <= response.status < 400 else page_state.refresh
            if target is None or not self._follows(target):
                self._visited.append(self._url)
                return self.outcome
            url = _joined(self._url, target)
            if not url.startswith(ORIGIN + "/"):
                return self._give_up(f"{request.method} {request.path} leads away from the site, to {url}")
            request, about = self._request("GET", url, b"", self._headers_of_a_navigation("GET")), ""
        return self._give_up(f"{HOPS_MAX} redirects and no page: the last led to {request.path}")

    def _follows(self, target: str) -> bool:  # noqa: ARG002  # other clients are more choosy
        return True

    def _give_up(self, why: str) -> str:
        self._recorder.current.remark(why)
        self.page_state = replace(GONE, outcome="error")
        self._recorder.current.saw(self.page_state)
        return self.page_state.outcome

    def _see(self, response: Response) -> PageState:
        self.page_state = read_reply(response)
        if self.page_state.outcome == "error" and response.from_app and response.status < 300:
            self._recorder.current.remark(
                "this page of the portal shows neither a signed-in user nor a form for a password:"
                " name another one by `path`, or as the portal's `home`"
            )
        self._recorder.current.saw(self.page_state)
        return self.page_state

    def _lost(self) -> str:
        self.page_state = GONE
        self._recorder.current.saw(GONE)
        return "timeout"


# Stories ask for few addresses, again and again.
_joined = lru_cache(maxsize=1024)(urljoin)
