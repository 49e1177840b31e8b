"""A user at a browser: reads the pages, types, clicks, and does nothing that a person could not do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol, TypeAlias

from mfa_simulator.errors import StepError
from mfa_simulator.world.browser import Browser
from mfa_simulator.world.clocks import TrueTime
from mfa_simulator.world.page import Form, Page
from mfa_simulator.world.phone import AuthenticatorKey, Phone, key_from_uri, typed_key
from mfa_simulator.world.portal import Portal
from mfa_simulator.world.qr_reader import text_in_picture
from mfa_simulator.world.recorder import Recorder
from mfa_simulator.world.user_state import UserState

KEY_URI = "otpauth://"


#: What a right code of a new phone comes to.
ACCEPTED = ("must_save_recovery_code", "must_choose_app_passwords", "signed_in", "welcome")
Finish: TypeAlias = "Callable[[UserActor], str]"


class Surroundings(Protocol):
    """The parts of a world that a user at a browser deals with."""

    @property
    def time(self) -> TrueTime:
        """True time, which passes while the user types."""

    @property
    def portal(self) -> Portal:
        """The portal that the user signs in to; a restart of the server makes another."""

    @property
    def recorder(self) -> Recorder:
        """The recorder of the world."""


class UserActor:
    """One user at one browser.

    Each method gives the outcome that it came to; when something else than expected is on a page, the user stops
    there, and the outcome is what that page says.
    """

    def __init__(self, world: Surroundings, browser: Browser, user_state: UserState) -> None:
        self._world = world
        self._browser = browser
        self._resident = user_state

    @property
    def browser(self) -> Browser:
        """The browser that the user sits at."""
        return self._browser

    @property
    def _page(self) -> Page:
        return self._browser.page_state.page if self._browser.page_state is not None else Page()

    def arrive(self, *, password: str | None = None) -> str:
        """Open the portal, and type user name and password if it asks for them."""
        if self._browser.user not in (None, self._resident.spec.name):
            self.sign_out()
        outcome = self._browser.open(self._world.portal.home)
        return self._type_password(password) if outcome == "sign_in_required" else outcome

    def _type_password(self, password: str | None) -> str:
        form = next(
            (form for form in self._page.forms if any(item.kind == "password" for item in form.fields)), None
        )
        if form is None:
            return self._browser.outcome
        values = {}
        for item in form.fields:
            if item.kind == "password":
                values[item.name] = password or self._resident.spec.password
            elif item.kind in ("text", "email"):
                values[item.name] = self._resident.spec.name
        return self._decide(form, values, "password", UserActor._known)

    def _known(self) -> str:
        """Whose password the portal took is who uses this browser from now on."""
        if self._browser.outcome not in ("sign_in_required", "timeout", "error"):
            self._browser.user = self._resident.spec.name
        return self._browser.outcome

    def postpone(self) -> str:
        """Open the portal, and press the button of the page that only reminds of the second factor."""
        outcome = self.arrive()
        form = self._page.form_to("/reminder")
        return outcome if form is None else self._browser.submit(form, {})

    def take_key(self, phone: Phone, *, manual: bool) -> str:
        """From a fresh start get the key of the enrollment page into a phone."""
        outcome = self.arrive()
        if outcome in ("welcome", "may_enroll"):
            outcome = self._browser.open("/mfa/enroll")
        if outcome == "must_enroll" and self._page.form_with("enrollment_code") is not None:
            outcome = self._type_enrollment_code()
        if outcome != "must_enroll" or self._page.form_with("enrollment_code") is not None:
            return outcome
        key = None if manual else self._scanned_key()
        if key is None:
            key = self._typed_key()
        phone.add(key)
        self._browser.key = key
        return self._browser.outcome

    def _type_enrollment_code(self) -> str:
        """Type the code that the support desk gave to the user (D15)."""
        form, code = self._page.form_with("enrollment_code"), self._resident.enrollment_code
        if form is None or code is None:
            return self._browser.outcome
        return self._browser.submit(form, {"enrollment_code": code}, about="enrollment_code")

    def _scanned_key(self) -> AuthenticatorKey | None:
        """Point the camera at the QR code; the link for whoever reads the page on the phone must say the same."""
        uri = text_in_picture(self._page.paths)
        link = next((link.href for link in self._page.links if link.href.startswith(KEY_URI)), uri)
        if uri != link:
            raise StepError("the QR code of the enrollment page says something else than the link beside it")
        return key_from_uri(uri) if uri is not None else None

    def _typed_key(self) -> AuthenticatorKey:
        """Follow "Trouble scanning?" and type what stands there."""
        link = self._page.link_that_says("Trouble scanning")
        if link is not None:
            self._browser.open(link.href)
        secret, account = self._page.texts.get("key"), self._page.texts.get("account", "")
        if secret is None:
            raise StepError("the enrollment page shows no key to type")
        return typed_key(secret, account=account.strip(), told=self._page.texts.get("key-type", ""))

    def confirm_key(self, phone: Phone, *, typing: int, save: bool | None) -> str:
        """Type a code of the key that the phone took from this browser; `save` None stops before the tick box."""
        if self._page.form_with("enrollment_code") is not None:
            return self._browser.outcome
        if self._browser.key is None:
            raise StepError(
                f"the browser {self._browser.name} has shown no key yet: start the enrollment first"
            )
        if self._page.form_with("code") is None:
            self._browser.open("/mfa/enroll")
        key = self._browser.key

        def finish(who: UserActor) -> str:
            if who._browser.outcome in ACCEPTED:
                phone.use(key)
                who._resident.phone = phone.name
                who._resident.enrollment_code = None
            return who.store_recovery_code(save)

        return self.type_code(lambda: phone.code(key), typing=typing, finish=finish)

    def type_code(
        self,
        read: Callable[[], str],
        *,
        typing: int,
        remember: bool = False,
        finish: Finish | None = None,
    ) -> str:
        """Read a code, type it into the page and send it; `finish` tells what is done with the reply.

        `remember` ticks the box for a browser that shall not be asked again, where the page has it.
        """
        form = self._page.form_with("code")
        if form is None:
            return self._browser.outcome
        code = read()
        self._world.time.wait(typing)
        ticked = {"remember": "yes"} if remember and form.has("remember") else {}
        return self._decide(form, {"code": code, **ticked}, "code", finish or UserActor._arrived)

    def recover(self, code: str, *, typing: int, save: bool | None) -> str:
        """By "Try another method" and "Recovery code" sign in with a recovery code, and store the new one."""
        outcome = self.arrive()
        if outcome == "welcome":
            return outcome
        for words in ("Try another method", "Recovery code"):
            if self._page.form_with("recovery_code") is None:
                link = self._page.link_that_says(words)
                if link is None:
                    return self._browser.outcome
                outcome = self._browser.open(link.href)
        form = self._page.form_with("recovery_code")
        if form is None:
            return outcome
        self._world.time.wait(typing)
        return self._decide(
            form, {"recovery_code": code}, "recovery_code", lambda who: who.store_recovery_code(save)
        )

    def show_unlock_code(self) -> str:
        """Type the support desk's unlock code into the page that makes the browser known."""
        outcome = self.arrive()
        if outcome == "welcome" or self._resident.unlock_code is None:
            return outcome
        for words in ("Try another method", "I have an unlock code"):
            if self._page.form_with("unlock_code") is None:
                link = self._page.link_that_says(words)
                if link is None:
                    return self._browser.outcome
                outcome = self._browser.open(link.href)
        form = self._page.form_with("unlock_code")
        if form is None:
            return outcome
        code = {"unlock_code": self._resident.unlock_code}
        return self._decide(form, code, "unlock_code", lambda who: who._browser.outcome)

    def forget_browser(self) -> str:
        """Press "Forget this browser" on the page of the own account."""
        outcome = self._browser.open("/mfa/account")
        form = next(
            (form for form in self._page.forms if ("known", "this") in form.filled({})),
            None,
        )
        return outcome if form is None else self._browser.submit(form, {}, about="known")

    def make_app_password(self, program: str, *, path: str, days: int) -> tuple[str, str | None]:
        """Make an app password; return the outcome, and the app password if the page shows it."""
        outcome = self._browser.open("/mfa/app-passwords")
        form = self._page.form_with("name")
        if form is None:
            return outcome, None
        outcome = self._browser.submit(form, {"name": program, "path": path, "days": str(days)})
        return outcome, self._page.texts.get("app-password")

    def end_app_password(self, program: str) -> str:
        """Press "End" beside the app password of a program."""
        outcome = self._browser.open("/mfa/app-passwords")
        form = next((form for form in self._page.forms if form.has("end") and program in form.words), None)
        return outcome if form is None else self._browser.submit(form, {})

    def keep_app_passwords(self, programs: Collection[str]) -> str:
        """Tick the boxes of these programs on the page that asks which to keep, and continue."""
        if self._page.form_to("/keep-app-passwords") is None:
            self._browser.open("/mfa/keep-app-passwords")
        form = self._page.form_to("/keep-app-passwords")
        if form is None:
            return self._browser.outcome
        ticked = {
            item.name: item.value
            for item in form.fields
            if item.kind == "checkbox" and any(program in item.label for program in programs)
        }
        return self._decide(form, ticked, "keep", UserActor._arrived)

    def store_recovery_code(self, save: bool | None) -> str:
        """Write down the recovery code that the page shows, if it shows one, tick the box and continue."""
        self.write_down()
        form = self._page.form_with("saved")
        if form is None or not save or self._browser.outcome != "must_save_recovery_code":
            return self._arrived()
        return self._decide(form, {"saved": "on"}, "saved", UserActor._arrived)

    def write_down(self) -> None:
        """Note the recovery code, if the page shows one."""
        shown = self._browser.page_state.recovery_code if self._browser.page_state is not None else None
        if shown is not None:
            self._resident.write_down(shown)

    def resync(self, phone: Phone, *, typing: int) -> str:
        """Type two consecutive codes into the page that learns a clock again."""
        outcome = self._to_resync()
        first_step = phone.step()

        def second(who: UserActor) -> str:
            if not who._is_asked_for_second():
                return who._browser.outcome
            who._world.time.wait_until(phone.code_follows_at(first_step))
            return who.type_code(phone.code, typing=typing, finish=_outcome)

        if outcome != "must_verify":
            return outcome
        return self.type_code(phone.code, typing=typing, finish=second)

    def start_resync(self, phone: Phone, *, typing: int) -> str:
        """Type the first of two consecutive codes."""
        outcome = self._to_resync()
        if outcome != "must_verify":
            return outcome
        return self.type_code(phone.code, typing=typing, finish=_outcome)

    def finish_resync(self, phone: Phone, *, typing: int) -> str:
        """Type a code as the second one, into the page that asks for it."""
        if not self._is_asked_for_second():
            self._browser.open("/mfa/resync")
        return self.type_code(phone.code, typing=typing, finish=_outcome)

    def _to_resync(self) -> str:
        outcome = self.arrive()
        if outcome in ("must_verify", "welcome", "locked"):
            outcome = self._browser.open("/mfa/resync")
        return outcome

    def _is_asked_for_second(self) -> bool:
        return self._browser.outcome == "must_verify" and self._page.form_with("code") is not None

    def sign_out(self) -> str:
        """Press "Sign out", at the portal or, where the portal is out of reach, on our page."""
        path = self._world.portal.sign_out
        button = next((form for form in self._page.forms if form.action == path), None)
        outcome = self._browser.submit(button, {}) if button is not None else self._browser.open(path)
        form = self._page.form_to("/mfa/sign-out")
        if form is not None and outcome not in ("unavailable", "error"):
            outcome = self._browser.submit(form, {}, about="sign_out")
        if outcome in ("sign_in_required", "signed_out"):
            self._browser.user = None
            return "signed_out"
        return outcome

    def _decide(self, form: Form, values: dict[str, str], about: str, finish: Finish) -> str:
        """Send a deciding request; a retry of it goes on with `finish` just the same."""
        self._world.recorder.current.finish = finish
        self._browser.submit(form, values, about=about)
        return finish(self)

    def _arrived(self) -> str:
        """Whoever signs in is done at the page first asked for: one of the portal, or ours for a change of phone."""
        self.write_down()
        if self._browser.outcome == "welcome":
            return "signed_in"
        told = list(self._world.recorder.current.page_states)[-2:-1]
        asked_to_enroll = self._browser.outcome == "must_enroll" and [
            page_state.outcome for page_state in told
        ] == ["signed_in"]
        return "signed_in" if asked_to_enroll else self._browser.outcome


def _outcome(who: UserActor) -> str:
    return who.browser.outcome
