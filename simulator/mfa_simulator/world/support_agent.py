"""A support agent at a browser, who does over HTTP what the desk lets the agent do."""

from __future__ import annotations

from mfa_simulator.world.browser import Browser
from mfa_simulator.world.page import Form
from mfa_simulator.world.recorder import Recorder
from mfa_simulator.world.user_state import UserState

DESK = "/mfa/support"
NOT_FOUND = 404  # what the desk says of a user and an address that do not belong together


class SupportAgent:
    """Whoever is signed in at one browser, agent or not; the desk decides."""

    def __init__(self, browser: Browser, recorder: Recorder) -> None:
        self._browser = browser
        self._recorder = recorder

    def call(self, action: str, caller: UserState, *, email: str, reason: str) -> str:
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
        return self._browser.page_state.page.form_with(name) if self._browser.page_state is not None else None

    def _token(self) -> str | None:
        """The token of any form of the page, as long as it is one of the desk or of those who are kept out of it."""
        page_state = self._browser.page_state
        form = self._form_with("csrf")
        if page_state is None or form is None or not (page_state.name or "").startswith("support"):
            return None
        return next(item.value for item in form.fields if item.name == "csrf")


def _told(browser: Browser, caller: UserState) -> str:
    """What the desk's page says; the caller gets the code that is for the caller."""
    page_state = browser.page_state
    if page_state is None:
        return browser.outcome
    code = page_state.page.texts.get("caller-code", "").strip()
    if code and browser.outcome == "unlocked":
        caller.unlock_code = code
    elif code:
        caller.enrollment_code = code
    return "refused" if page_state.response.status == NOT_FOUND else browser.outcome
