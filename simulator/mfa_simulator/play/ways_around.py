"""Attackers who know a user's password and look for a way around the sign-in page: other pages, other moments."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from mfa_simulator.errors import StepError
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.browser import FORM, Browser
from mfa_simulator.world.http import ORIGIN

_BOUNDARY = "----boundary-of-a-form"
_SAME_SITE = {
    "Accept": "text/html",
    "Origin": ORIGIN,
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


def password_elsewhere(world: World, step: Step) -> str:
    """Send name and password by another request than that of the sign-in page, and open the portal."""
    browser, fields = world.use_browser(step["browser"]), _fields(world, step)
    if browser.page_state is None:
        browser.open(world.portal.home)
    method, path, headers, body = _request(step["path"], fields, step["as"])
    browser.send_raw(method, path, {**_SAME_SITE, **headers}, body)
    return browser.open(world.portal.home)


def slow_upload(world: World, step: Step) -> str:
    """Begin a form as a visitor, sign in by the password before its last byte has arrived, and open the portal."""
    browser, fields = world.use_browser(step["browser"]), _fields(world, step)
    if browser.page_state is None:
        browser.open(world.portal.home)
    is_begun = True

    def signs_in() -> None:
        nonlocal is_begun
        if is_begun:  # a network that doubles the request does not double this
            is_begun = False
            _post(browser, world.portal.sign_in, fields)

    browser.send_raw(
        "POST", step["path"], {**_SAME_SITE, "Content-Type": FORM}, "amount=1000", meanwhile=signs_in
    )
    return browser.open(world.portal.home)


def keep_cookies(world: World, step: Step) -> None:
    """Note down what a browser holds."""
    world.kept_cookies[step["as"]] = world.use_browser(step["browser"]).jar.copy()


def restore_cookies(world: World, step: Step) -> None:
    """Give a browser what was noted down."""
    kept = world.kept_cookies.get(step["cookies"])
    if kept is None:
        raise StepError(f"no cookies were kept as {step['cookies']}")
    jar = world.use_browser(step["browser"]).jar
    jar.clear(lambda _: True)
    jar.take_those(kept, now=world.time.now(), named=lambda _: True)


def _fields(world: World, step: Step) -> dict[str, str]:
    spec = world.use_user(step["user"]).spec
    name, password = world.portal.fields
    return {name: spec.name, password: spec.password}


def _post(browser: Browser, path: str, fields: dict[str, str]) -> None:
    browser.send_raw("POST", path, {**_SAME_SITE, "Content-Type": FORM}, urlencode(fields))


def _request(path: str, fields: dict[str, str], form: str) -> tuple[str, str, dict[str, str], str]:
    """Return method, address, headers and body of a request with these fields."""
    if form == "query":
        return "GET", f"{path}{'&' if '?' in path else '?'}{urlencode(fields)}", {}, ""
    if form == "json":
        return "POST", path, {"Content-Type": "application/json"}, json.dumps(fields)
    if form == "multipart":
        parts = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        return "POST", path, {"Content-Type": kind}, f"{''.join(parts)}--{_BOUNDARY}--\r\n"
    return "POST", path, {"Content-Type": FORM}, urlencode(fields)


ACTIONS = {
    "password_elsewhere": password_elsewhere,
    "slow_upload": slow_upload,
    "keep_cookies": keep_cookies,
    "restore_cookies": restore_cookies,
}
