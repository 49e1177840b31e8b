"""The complete story of one portal: what must hold of each answer that shows what only its users may see."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyotp
from client import Answer, Client

from wsgi_mfa import KeyRing, MemoryStore, MfaMiddleware
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.support import SupportDesk

SECOND = 1_000_000


class MovedClock:
    """The true time, moved along between codes, each of which is good once."""

    def __init__(self) -> None:
        self.moved_seconds = 0

    def now(self) -> int:
        return time.time_ns() // 1000 + self.moved_seconds * SECOND

    def sleep(self, seconds: float) -> None:
        self.moved_seconds += int(seconds) + 1


@dataclass
class Portal:
    """A real application, and how a person uses it.

    ``shown`` says whether an answer shows what only a user may see; ``page`` is where that is. ``sign_in``
    types a password and gives the answer; ``change`` and ``upload`` send something and say whether it was
    taken. ``download`` is then there, with these bytes, for nobody else. ``undeclared_credentials`` gives, with
    the bare portal to ask, what else a password gets by which the portal shows something: addresses, headers,
    and words that are shown then.

    ``attacks`` plays what opened this portal with a password alone, by clients that it is given a maker of, and tells
    of each whether it came through: all of them do at the bare portal, and none at the wrapped one. ``forms`` sends,
    as a verified user, the forms that look like a sign-in and are none, and says whether each was taken.
    ``large`` sends up a body of 64 MiB and says whether it arrived byte for byte.
    """

    application: Any
    identity: Any
    user: str
    password: str
    page: str
    shown: Callable[[Answer], bool]
    sign_in: Callable[[Client, str], Answer] | None = None
    sign_out: Callable[[Client], Any] | None = None
    change: Callable[[Client], bool] | None = None
    download: tuple[str, bytes] | None = None
    static: str | None = None
    undeclared_credentials: Callable[[Client], list[tuple[str, dict[str, str], str]]] | None = None
    directory: Any = None
    script_name: str = ""
    declared: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    upload: Callable[[Client], bool] | None = None
    attacks: Callable[[Callable[[], Client]], Iterator[tuple[str, bool]]] | None = None
    forms: Callable[[Client], Iterator[tuple[str, bool]]] | None = None
    large: Callable[[Client], bool] | None = None


@dataclass
class Story:
    """One run; ``checks`` counts what was looked at."""

    portal: Portal
    clock: MovedClock = field(default_factory=MovedClock)
    checks: int = 0
    calls: int = 0
    features: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        inner = self.portal.application

        def counted(environ: dict[str, Any], start_response: Any) -> Any:
            self.calls += 1
            return inner(environ, start_response)

        self.mfa = MfaMiddleware(
            counted,
            issuer="Client Portal",
            identity=self.portal.identity,
            store=MemoryStore(identity=StoreIdentity(store_id="0" * 32, made_at=0)),
            keys=KeyRing([("k1", bytes(range(32)))]),
            directory=self.portal.directory,
            clock=self.clock,
            **self.portal.settings,
        )

    def check(self, good: bool, what: str) -> None:
        self.checks += 1
        if not good:
            raise AssertionError(what)

    def browser(self) -> Client:
        return Client(self.mfa, script_name=self.portal.script_name)

    def shows(self, answer: Answer) -> bool:
        return self.portal.shown(answer)

    def mount(self, path: str) -> str:
        mount = self.portal.settings.get("mount_path", "/mfa")
        return f"{self.portal.script_name}{mount}/{path}"

    def code(self) -> str:
        self.clock.moved_seconds += 31
        return pyotp.TOTP(self.key).at(self.clock.now() // SECOND)

    def enroll(self, browser: Client) -> None:
        """Set up a phone, by a wrong code and a right one."""
        self.key = browser.json(self.mount("enroll")).json["key"]
        wrong = browser.json(self.mount("enroll"), {"code": self.wrong_code()})
        self.check(wrong.problem == "wrong_code", f"a wrong code is refused: {wrong.text}")
        answer = browser.json(self.mount("enroll"), {"code": self.code()})
        self.check(answer.json["outcome"] == "must_save_recovery_code", f"enrolled: {answer.text}")
        answer = browser.json(self.mount("recovery-code"), {"saved": True})
        self.check(answer.json["outcome"] == "signed_in", f"stored: {answer.text}")

    def wrong_code(self) -> str:
        """One that is not right now, nor soon before or after."""
        now = self.clock.now() // SECOND
        near = {pyotp.TOTP(self.key).at(now + 30 * step) for step in range(-25, 26)}
        return next(code for code in map("{:06}".format, range(100)) if code not in near)

    def verify(self, browser: Client) -> None:
        wrong = browser.json(self.mount("verify"), {"code": self.wrong_code()})
        self.check(wrong.problem == "wrong_code", f"a wrong code is refused: {wrong.text}")
        answer = browser.json(self.mount("verify"), {"code": self.code()})
        self.check(answer.status == 200, f"the right code is taken: {answer.text}")

    def reset(self) -> None:
        """The support desk resets the user."""
        (user,) = self.mfa.service.store.users()
        account = self.mfa.service.store.load(user)
        answer = SupportDesk(self.mfa.service).reset(
            user, email=account.address or "", reason="a test", agent="edith"
        )
        self.check(answer.outcome.value == "reset", f"reset: {answer}")


def by_form(story: Story) -> None:
    """The story of a portal with a sign-in form and a cookie."""
    portal = story.portal
    browser = story.browser()
    story.check(not story.shows(browser.get(portal.page)), "a visitor sees nothing")
    static(story, browser)
    wrong = portal.sign_in(browser, "wrong password")
    story.check("/mfa/" not in (wrong.header("Location") or ""), "a wrong password leads to no page of ours")
    held = portal.sign_in(browser, portal.password)
    story.check(held.status == 303 and "/mfa/enroll" in (held.header("Location") or ""), f"held: {held}")
    story.check(not story.shows(held), "the body of a sign-in is kept back")
    password_only(story, browser, "must_enroll")
    attacked(story)
    story.enroll(browser)
    attacked(story)
    story.check(story.shows(browser.get(portal.page)), "with a second factor the page is there")
    used(story, browser)
    saved = dict(browser.cookies)
    portal.sign_out(browser)
    story.check(not story.shows(browser.get(portal.page)), "signed out")
    story.features.add("sign-out")
    browser.cookies = dict(saved)
    story.check(not story.shows(browser.get(portal.page)), "old cookies, all of them, are worth nothing")

    into_the_next_second()
    browser = story.browser()
    held = portal.sign_in(browser, portal.password)
    story.check("/mfa/verify" in (held.header("Location") or ""), f"held again: {held}")
    password_only(story, browser, "must_verify")
    story.verify(browser)
    story.check(story.shows(browser.get(portal.page)), "with a code the page is there")
    into_the_next_second()
    second = story.browser()
    portal.sign_in(second, portal.password)
    story.check(second.json(portal.page).problem == "must_verify", "a second browser is asked too")
    story.verify(second)
    story.check(story.shows(second.get(portal.page)), "and gets in")
    story.check(story.shows(browser.get(portal.page)), "while the first one stays")
    story.reset()
    for each in (browser, second):
        story.check(each.json(portal.page).problem == "must_enroll", "a reset ends open sessions at once")


def into_the_next_second() -> None:
    """Wait: two sign-ins within a second get the same ticket, and a ticket that is signed in again is another login."""
    time.sleep(1.05)


def password_only(story: Story, browser: Client, expected: str) -> None:
    """With a password alone, in whatever spelling, the application is not called as its user."""
    portal = story.portal
    before = story.calls
    story.check(browser.json(portal.page).problem == expected, "a program is told what is missing")
    story.check(browser.post(portal.page, {"x": "1"}).status in (303, 401), "nothing is posted")
    story.check(story.calls == before, "the application was not called")
    names = set(portal.identity.credentials.cookies)
    for name, value in browser.cookies.items():
        if name not in names:
            continue
        for header in spellings(name, value):
            answer = story.browser().request("GET", portal.page, cookie=header)
            story.check(not story.shows(answer), f"the page is shown for Cookie: {header}")
    for door in undeclared_credentials(portal):
        answer = story.browser().request("GET", portal.page, headers=door)
        story.check(not story.shows(answer), f"the page is shown for {door}")
    if portal.undeclared_credentials is not None:
        bare = Client(portal.application, script_name=portal.script_name)
        for url, headers, words in portal.undeclared_credentials(bare):
            bare.cookies.clear()
            for client, is_credential in ((bare, True), (story.browser(), False)):
                answer = client.request("GET", url, headers=headers)
                story.check((words in answer.text) is is_credential, f"{headers} at {url}: {answer}")
        story.features.add("other doors")


def attacked(story: Story) -> None:
    """What opened the portal with a password alone opens the bare one only."""
    if story.portal.attacks is None:
        return
    bare = partial(Client, story.portal.application, script_name=story.portal.script_name)
    for new, opens in ((bare, True), (story.browser, False)):
        for words, came_through in story.portal.attacks(new):
            story.check(came_through is opens, f"{words} {'fails' if opens else 'opens the portal'}")
    story.features.add("attacks")


def static(story: Story, visitor: Client) -> None:
    """Whoever has not signed in sees what is there for everybody."""
    if story.portal.static is not None:
        story.check(visitor.request("GET", story.portal.static).status == 200, "a visitor sees a static file")
        story.features.add("static file")


def spellings(name: str, value: str) -> list[str]:
    """One cookie, spelt as real applications were seen to read it and careless filters were not."""
    bare = value.strip('"')
    octal = '"' + "".join(f"\\{ord(letter):03o}" for letter in bare) + '"'
    first = f'"\\{ord(bare[0]):03o}{bare[1:]}"'
    return [
        f"{name}={value}",
        f"{name}=junk; {name}={value}",
        f"{name}={value}; {name}=junk",
        f"{name}=; {name}={value}",
        f"{name}={value}; {name}=",
        f"{name}={octal}",
        f"{name}={first}",
        f'{name}="{bare}"',
        f"{name}={bare}",
        f"junk=1, {name}={value}",
        f"{name}={value}, junk=1",
        f"{name}=junk, {name}={value}",
        f"$Version=1; {name}={value}",
        f"$Version=1; {name}={value}; $Path=/; $Domain=portal.example",
        f"b[a]d=1; {name}={value}",
        f"j\xfcnk=1; {name}={value}",
        f"=nameless; {name}={value}",
        f"nameless; {name}={value}",
        f'x="; {name}={value}; y="',
        f"{name} = {value}",
        f"\t{name}={value}",
        f"{name}={value};",
        f";{name}={value}",
        f"%{ord(name[0]):02x}{name[1:]}={value}",
        f"{name.upper()}={value}",
    ]


def undeclared_credentials(portal: Portal) -> list[dict[str, str]]:
    """What applications take beside their cookie, with a right password where that could be of use."""
    basic = base64.b64encode(f"{portal.user}:{portal.password}".encode()).decode()
    made = [
        {"Authorization": f"Basic {basic}"},
        {"Authorization": f"Bearer {basic}"},
        {"CGI-Authorization": f"Basic {basic}"},
        {"X-Authorization": f"Basic {basic}"},
        {"Remote-User": portal.user},
        {"X-Forwarded-User": portal.user},
        {"X-Remote-User": portal.user},
        {"X-API-Key": portal.password},
        {"X-Wsgi-Mfa-User": portal.user},
    ]
    return [door for door in made if next(iter(door)) not in portal.declared]


def used(story: Story, browser: Client) -> None:
    """What a user does: change something, send something up, get something down, and a part of it."""
    portal = story.portal
    if portal.forms is not None:
        for words, was_taken in portal.forms(browser):
            story.check(was_taken, f"{words} is taken from a verified user")
        story.features.add("forms")
    if portal.large is not None:
        story.check(portal.large(browser), "64 MiB arrive byte for byte")
        story.features.add("64 MiB")
    if portal.change is not None:
        story.check(portal.change(browser), "a change is taken")
        story.features.add("change")
    if portal.upload is not None:
        story.check(portal.upload(browser), "an upload is taken")
        story.features.add("upload")
    if portal.download is not None:
        url, data = portal.download
        answer = browser.request("GET", url)
        story.check(answer.status == 200 and answer.body == data, f"a download is whole: {answer}")
        story.check(story.browser().request("GET", url).body != data, "nobody else gets it")
        story.features.add("download")
        part = browser.request("GET", url, headers={"Range": "bytes=1-3"})
        story.check(part.status in (200, 206), f"a part is given: {part.status}")
        if part.status == 206:
            story.check(part.body == data[1:4], "and it is that part")
            story.features.add("Range")


def by_basic(story: Story) -> None:
    """The story of a portal to which programs send a password with every request."""
    portal = story.portal
    story.check(
        story.browser().request("GET", portal.page).status == 401, "a visitor is asked for a password"
    )
    static(story, story.browser())
    wrong = program(story, "wrong password").request("GET", portal.page)
    story.check(wrong.status == 401 and not wrong.problem, "a wrong password hears nothing of codes")
    browser = program(story, portal.password)
    before = story.calls
    answer = browser.request("GET", portal.page)
    story.check(answer.problem == "must_enroll", f"a password alone is not enough: {answer}")
    story.check(
        (answer.header("WWW-Authenticate") or "").startswith("Basic "), "a program is asked for another"
    )
    story.check(browser.request("DELETE", portal.page).status == 401, "nothing is deleted")
    story.check(browser.post(portal.page, {"x": "1"}).status == 303, "nothing is posted")
    story.check(story.calls == before, "the application was not called")
    attacked(story)
    story.enroll(browser)
    attacked(story)
    story.check(story.shows(browser.request("GET", portal.page)), "a browser gets in with its cookie")
    story.check(
        program(story, portal.password).request("GET", portal.page).problem == "must_verify",
        "and a program without one is asked",
    )
    code = story.code()
    for _ in range(3):
        answer = program(story, portal.password + code).request("GET", portal.page)
        story.check(story.shows(answer), f"with the code behind the password: {answer}")
    used(story, program(story, portal.password + code))
    elsewhere = program(story, portal.password + code)
    elsewhere.address = "198.51.100.7"
    story.check(elsewhere.request("GET", portal.page).problem == "used_code", "the code is used up elsewhere")
    guess = program(story, portal.password + "000000").request("GET", portal.page)
    story.check(guess.problem == "wrong_code", f"a wrong code is refused: {guess}")
    second = program(story, portal.password)
    story.check(second.request("GET", portal.page).problem == "must_verify", "a second browser is asked too")
    story.verify(second)
    story.check(story.shows(second.request("GET", portal.page)), "and gets in")
    saved = dict(second.cookies)
    second.json(story.mount("sign-out"), {})
    for cookies in (dict(second.cookies), saved):
        second.cookies = cookies
        answer = second.request("GET", portal.page)
        story.check(answer.problem == "must_verify", "after our sign-out old cookies are worth nothing")
    story.features.add("sign-out")
    story.check(story.shows(browser.request("GET", portal.page)), "while the first one stays")
    story.reset()
    for each in (browser, program(story, portal.password + code)):
        story.check(
            each.request("GET", portal.page).problem == "must_enroll", "a reset ends all of it at once"
        )


def program(story: Story, password: str) -> Client:
    sent = base64.b64encode(f"{story.portal.user}:{password}".encode()).decode()
    client = story.browser()
    client.headers["Authorization"] = f"Basic {sent}"
    return client
