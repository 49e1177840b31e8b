"""A support agent at a browser, who does over HTTP what the desk lets the agent do."""

from __future__ import annotations

from mfa_simulator.browser import Browser
from mfa_simulator.page import Form
from mfa_simulator.record import Recorder
from mfa_simulator.user_state import Resident

DESK = "/mfa/support"
NOT_FOUND = 404  # what the desk says of a user and an address that do not belong together


class Agent:
    """Whoever is signed in at one browser, agent or not; the desk decides."""

    def __init__(self, browser: Browser, recorder: Recorder) -> None:
        self._browser = browser
        self._recorder = recorder

    def call(self, action: str, caller: Resident, *, email: str, reason: str) -> str:
        """Look the caller's account up and have something done to it; give the outcome.

        Where a page has no form for it, the same is posted without one: what a page hides must be refused as well.
        """
        self._browser.open(DESK)
        name = caller.spec.name
        search = self._form_with("find")
        if search is not None:
            self._browser.submit(search, {"action": "find", "find": name}, about="find")
        said = {"action": action, "user": name, "email": email, "reason": reason}
        self._recorder.current.finish = lambda who: _told(who.browser, caller)
        form = self._form_with("email")
        if form is not None:
            self._browser.submit(form, said, about="action")
        elif (token := self._token()) is not None:
            self._browser.post(DESK, [("csrf", token), *said.items()], about="action")
        return _told(self._browser, caller)

    def _form_with(self, name: str) -> Form | None:
        return self._browser.sight.page.form_with(name) if self._browser.sight is not None else None

    def _token(self) -> str | None:
        """The token of any form of the page, as long as it is one of the desk or of those who are kept out of it."""
        sight = self._browser.sight
        form = self._form_with("csrf")
        if sight is None or form is None or not (sight.name or "").startswith("support"):
            return None
        return next(item.value for item in form.fields if item.name == "csrf")


def _told(browser: Browser, caller: Resident) -> str:
    """What the desk's page says; the caller gets the code that is for the caller."""
    sight = browser.sight
    if sight is None:
        return browser.outcome
    code = sight.page.texts.get("enrollment-code", "").strip()
    if code:
        caller.enrollment_code = code
    return "refused" if sight.response.status == NOT_FOUND else browser.outcome
