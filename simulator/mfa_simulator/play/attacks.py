"""What attackers do who know a user's password: each tries with what a stranger can have, and no more."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import partial

from mfa_simulator.errors import StepError
from mfa_simulator.invariants.call import KNOWN_COOKIE
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.cast import cookies_of
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.browser import FORM, Browser
from mfa_simulator.world.page import Form
from mfa_simulator.world.user_actor import UserActor

# The Cookie headers of a thief who knows the value that the portal set: WebOb ends a value at a bracket, others read
# within quotes.
_SMUGGLED = {
    "clear": "{name}={value}",
    "inside": '{name}x=[{name}={value}; y="; {name}={value}"',
    "argument": "y=1",
    "path": "y=1",
    "spelled": "{name}%20={value}; {upper}={value}; {encoded}={value}",
    "twice": "{name}=visitor; {name}={value}",
    "field": "y=1",
    "header": "y=1",
    "basic": "{name}={value}",
}
# The symbols of a recovery code, without look-alikes.
SYMBOLS = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"


def guess(world: World, step: Step) -> str:
    """Send code after code, or so many at once; a locked attacker signs in again and goes on."""
    browser, attacker = world.use_browser(step["browser"]), _use_attacker(world, step)
    form, outcome = None, attacker.arrive()
    for number, codes in enumerate(_guesses(world, step)):
        if number:
            world.time.wait(step["every"])
        form = _form_for_code(browser, attacker, form)
        if form is None:
            return browser.outcome
        outcome = _send_at_once(world, browser, form, codes)
        if outcome in ("welcome", "signed_in"):
            return "signed_in"
    return outcome


def _send_at_once(world: World, browser: Browser, form: Form, codes: list[str]) -> str:
    """Send codes in as many windows, each with the cookies of this moment; give the outcome of the last one."""
    if len(codes) == 1:
        return browser.submit(form, {"code": codes[0]}, about="code")
    windows = [browser.new_tab() for _ in codes]
    for window in windows:
        window.jar = browser.jar.copy()
    world.scheduler.run(
        [
            partial(window.submit, form, {"code": code}, about="code")
            for window, code in zip(windows, codes, strict=True)
        ]
    )
    browser.last_code = codes[-1]
    return windows[-1].outcome


def replay_code(world: World, step: Step) -> str:
    """Type a code that was used, in a browser of one's own."""
    code = _given(world, step) or _source(world, step).last_code
    if code is None:
        raise StepError("no code was typed in that browser yet: give one with `code`")
    return _repeat(world, step, code)


def phish_relay(world: World, step: Step) -> str:
    """Type a code that its owner typed into a false page, or reads out on the telephone."""
    typed = _source(world, step).last_code if step["from"] is not None else None
    return _repeat(world, step, _given(world, step) or typed or world.first_phone(step["user"]).code())


def steal_cookie(world: World, step: Step) -> str:
    """Take the portal's own cookie from another browser, and open the portal with it.

    But for `cookie`, the thief knows it as the portal set it, from a log or from before cookies were sealed.
    """
    browser = world.use_browser(step["browser"])
    if step["from"] is None:
        world.use_user(step["user"])
    source, name, home = _source(world, step), world.portal.cookie, world.portal.home
    if step["by"] == "cookie":
        named = cookies_of(world, step["which"])
        browser.jar.take_those(source.jar, now=world.time.now(), named=named)
        return browser.open(home)
    held = source.jar.value_of(name, now=world.time.now()) or ""
    value = world.cookies_in_clear.get(held)
    if value is None:
        raise StepError(f"the browser {source.name} has got no {name} cookie of the portal in this story")
    value = value.strip('"')
    return _send_in_clear(browser, step["by"], name, value, home)


def _send_in_clear(browser: Browser, by: str, name: str, value: str, home: str) -> str:
    """Send the value of a cookie as the portal set it, in one of the places where an application may look for it."""
    cookie = _SMUGGLED[by].format(
        name=name, upper=name.upper(), encoded=f"%{ord(name[0]):x}{name[1:]}", value=value
    )
    headers = {"Accept": "*/*", "Cookie": cookie}
    path = home + {"argument": f"?{name}={value}", "path": f";{name}={value}"}.get(by, "")
    if by == "header":
        headers |= {
            "X-Session-Id": value,
            "X-Auth-Token": value,
            "CGI-Authorization": value,
            "X_Api_Key": value,
        }
    if by == "basic":
        headers["Authorization"] = "Basic " + b64encode(f"{name}:{value}".encode()).decode()
    if by == "field":
        return browser.send_raw("POST", path, {**headers, "Content-Type": FORM}, f"{name}={value}")
    return browser.send_raw("GET", path, headers, "")


def copy_known_browser(world: World, step: Step) -> str:
    """Take the cookie by which another browser is known, and open the portal with the password."""
    attacker = _use_attacker(world, step)
    browser = world.use_browser(step["browser"])
    browser.jar.take(_source(world, step).jar, now=world.time.now(), name=KNOWN_COOKIE)
    return attacker.arrive()


def stuff_recovery(world: World, step: Step) -> str:
    """Try recovery codes: the one given, or others from the seed."""
    attacker, chance = _use_attacker(world, step), world.chance(f"stuff_recovery {step.position.line}")
    outcome = "error"
    for _ in range(step["times"]):
        drawn = "".join(
            SYMBOLS[chance.below(len(SYMBOLS))] for _ in range(world.policy.recovery_code_symbols)
        )
        outcome = attacker.recover(_given(world, step) or drawn, typing=0, save=True)
        if outcome == "signed_in":
            break
    return outcome


def _use_attacker(world: World, step: Step) -> UserActor:
    return UserActor(world, world.use_browser(step["browser"]), world.use_user(step["user"]))


def _source(world: World, step: Step) -> Browser:
    """Give the browser that something is taken from: the one named, or the one that its user used last."""
    name = step["from"] or world.user_states[step["user"]].browser
    if name is None or name not in world.browsers:
        raise StepError(f"{step['user']} has used no browser yet: name it with `from`")
    return world.browsers[name]


def _given(world: World, step: Step) -> str | None:
    """Give the code that the file names, or spells."""
    code: str | None = step["code"]
    return world.codes.get(code, code) if code is not None else None


def _repeat(world: World, step: Step, code: str) -> str:
    browser, attacker = world.use_browser(step["browser"]), _use_attacker(world, step)
    form, outcome = None, attacker.arrive()
    for _ in range(step["times"]):
        form = _form_for_code(browser, attacker, form)
        if form is None:
            return browser.outcome
        outcome = browser.submit(form, {"code": code}, about="code")
    return "signed_in" if outcome == "welcome" else outcome


def _form_for_code(browser: Browser, attacker: UserActor, last: Form | None) -> Form | None:
    """Give the form that is shown, else the one after the password once more, else the last one seen."""
    shown = _code_form(browser)
    if shown is None:
        attacker.arrive()
        shown = _code_form(browser)
    return shown or last


def _code_form(browser: Browser) -> Form | None:
    return browser.page_state.page.form_with("code") if browser.page_state is not None else None


def _guesses(world: World, step: Step) -> Iterator[list[str]]:
    """Give as many different codes as were asked for, so many at once; the one put among them comes last and alone."""
    among = step["among"]
    last = world.codes.get(among, among) if among is not None else None
    chance, digits = world.chance(f"guess {step.position.line}"), world.policy.digits
    codes: dict[str, None] = {}
    while len(codes) < step["times"] - (last is not None):
        code = f"{chance.below(10**digits):0{digits}d}"
        if code != last:
            codes[code] = None
    others = list(codes)
    for begin in range(0, len(others), step["parallel"]):
        yield others[begin : begin + step["parallel"]]
    if last is not None:
        yield [last]


ACTIONS = {
    "guess": guess,
    "replay_code": replay_code,
    "steal_cookie": steal_cookie,
    "copy_known_browser": copy_known_browser,
    "phish_relay": phish_relay,
    "stuff_recovery": stuff_recovery,
}
