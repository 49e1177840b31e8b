"""The world of a life before its next step: who can do what, as far as its people could know."""

from __future__ import annotations

from collections.abc import Sequence

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.browser import Browser
from mfa_simulator.world.page import Form
from mfa_simulator.world.phone import Phone
from wsgi_mfa.accounts import Account


class Scene:
    """A world, seen for what its people may do next; nothing here changes it."""

    def __init__(self, world: World, *, browsers: Sequence[str], spare_phones: Sequence[str]) -> None:
        self.world = world
        self.browsers = tuple(browsers)
        self.spare_phones = tuple(spare_phones)
        self.codes: list[str] = []

    @property
    def users(self) -> list[str]:
        """The names of the users."""
        return list(self.world.user_states)

    def address(self, user: str) -> str:
        """Return the address of a user."""
        return self.world.user_states[user].spec.email or ""

    def account(self, user: str) -> Account | None:
        """Return what the store holds of a user."""
        return self.world.account(user)

    def is_enrolled(self, user: str) -> bool:
        """Return whether a user has a phone that the portal knows."""
        account = self.account(user)
        return account is not None and account.authenticator is not None

    def phones(self, user: str, *, with_key: bool = False) -> list[Phone]:
        """Return the phones of a user."""
        return [
            phone for phone in self.world.phones() if phone.owner == user and (phone.has_key or not with_key)
        ]

    def browser(self, name: str) -> Browser | None:
        """Return the browser of a name if it was used before."""
        return self.world.browsers.get(name)

    def shows(self, name: str, field: str) -> bool:
        """Return whether a browser shows a form with this field."""
        browser = self.browser(name)
        return (
            browser is not None
            and browser.page_state is not None
            and browser.page_state.page.form_with(field) is not None
        )

    def forms(self, name: str) -> list[Form]:
        """Return the forms of the middleware's page in a browser that ask for nothing to be typed."""
        browser = self.browser(name)
        shown = (
            browser.page_state.page.forms if browser is not None and browser.page_state is not None else []
        )
        return [
            form
            for form in shown
            if form.action.startswith("/mfa/") and all(item.kind == "hidden" for item in form.fields)
        ]

    def user_at(self, name: str) -> str | None:
        """Return who used a browser last."""
        browser = self.browser(name)
        return browser.user if browser is not None else None

    def can_repeat(self, name: str) -> bool:
        """Return whether a browser has a request that it can send again."""
        browser = self.browser(name)
        return browser is not None and browser.last is not None

    def knows_cookie_of(self, name: str) -> bool:
        """Return whether it is known as what the portal set the cookie that a browser holds."""
        browser = self.browser(name)
        held = browser.jar.value_of(self.world.portal.cookie, now=self.world.time.now()) if browser else None
        return held in self.world.cookies_in_clear

    def used_browsers(self) -> list[str]:
        """Return the names of the browsers that were used."""
        return [name for name in self.browsers if name in self.world.browsers]

    def lock_seconds(self, user: str) -> int | None:
        """Return for how many seconds the user's longest lock lasts; None if there is none."""
        account, now = self.account(user), self.world.workers[0].clock.now()
        if account is None:
            return None
        left = [
            failures.locked_since + failures.locked_seconds * SECOND - now
            for failures in (account.code_failures, account.recovery_failures)
            if failures.locked_since is not None
        ]
        return -(-max(left) // SECOND) if left and max(left) > 0 else None
