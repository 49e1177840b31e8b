"""The world of a run: the real middleware around a portal, on a store that outlives its workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mfa_simulator.errors import PortalError, StepError
from mfa_simulator.invariants.call import cookies_in
from mfa_simulator.invariants.monitor import Monitor
from mfa_simulator.language.scenario import AGENTS, ClockSetting, PortalSpec, Scenario
from mfa_simulator.world.browser import Browser, KeptPage
from mfa_simulator.world.calendar import portal_for
from mfa_simulator.world.clocks import ClockDeviation, DeviceClock, TrueTime, WallClock, WorkerClock
from mfa_simulator.world.cookie_jar import CookieJar
from mfa_simulator.world.directory import SimulatedDirectory
from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.http import Request, Response
from mfa_simulator.world.network import Network
from mfa_simulator.world.network_conditions import NetworkConditions
from mfa_simulator.world.phone import Phone
from mfa_simulator.world.portal import REFERENCE_PORTAL, Portal, PortalFactory, portal_users
from mfa_simulator.world.program import Program
from mfa_simulator.world.recorder import Delivery, Recorder
from mfa_simulator.world.scheduler import Scheduler
from mfa_simulator.world.session_portals import session_portal_factory
from mfa_simulator.world.store import Backup, FaultyStore
from mfa_simulator.world.store_faults import WorkerEndedError
from mfa_simulator.world.user_state import LearnedDrift, UserState
from mfa_simulator.world.virtual_waits import passing
from mfa_simulator.world.worker import MonitoredMiddleware, Worker
from wsgi_mfa import ConfigurationError, KeyRing, MfaMiddleware, Policy
from wsgi_mfa.accounts import Account
from wsgi_mfa.stores import StoreIdentity
from wsgi_mfa.support import SupportDesk

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ISSUER = "Client Portal"


class World:
    """Everything that a scenario acts on.

    `browsers` and `residents` are those of the story, by name; to read them changes nothing. `use_browser` and
    `use_user` note in addition which browser and user a step named last, for later steps that name none.
    """

    def __init__(
        self,
        scenario: Scenario,
        wall: WallClock,
        factory: PortalFactory = REFERENCE_PORTAL,
        *,
        time: TrueTime | None = None,
    ) -> None:
        self.scenario = scenario
        self.factory = factory if scenario.portal == PortalSpec() else session_portal_factory(scenario.portal)
        self.time = time or TrueTime(scenario.start)
        self.recorder = Recorder()
        self.policy = Policy(**scenario.policy)
        self.codes: dict[str, str] = {}
        # The portal's cookie as clients hold it, and as the portal set it, which an attacker may know by another way.
        self.cookies_in_clear: dict[str, str] = {}
        self.browsers: dict[str, Browser] = {}
        self.user_states = {user.name: UserState(spec=user, recovery_codes=[]) for user in scenario.users}
        self.directory = SimulatedDirectory(scenario.users, self.time)
        self.pages: dict[str, KeptPage] = {}
        self.kept_cookies: dict[str, CookieJar] = {}
        self.programs: dict[tuple[str, str], Program] = {}
        self.portal_span = 0
        self.backups: dict[str, Backup] = {}
        self.last_browser: str | None = None
        self.last_user: str | None = None
        self.learned: dict[str, LearnedDrift] = {}
        self.on_progress: Callable[[str], object] = lambda _: None
        self._wall = wall
        self._turn = 0
        self._tab: ContextVar[Browser | None] = ContextVar("tab", default=None)
        self._serving: ContextVar[bool] = ContextVar("serving", default=False)
        self._phones: dict[tuple[str, str], Phone] = {}
        identity = StoreIdentity(store_id=self.chance("store").token_bytes(16).hex(), made_at=scenario.start)
        self.scheduler = Scheduler(self.time, self.chance("crowd"))
        self.time.sleep_in_scheduler = self.scheduler.sleep_until
        self.monitor = Monitor(
            scenario,
            portal=lambda: self.portal,
            latest=lambda count: self.store.latest(count),
            load=lambda user: self.store.peek(user),
        )
        self.store = FaultyStore(
            identity=identity,
            time=self.time,
            pause=self.scheduler.pause,
            recorder=self.recorder,
            saved=self.monitor.saved,
            serving=lambda: self._serving.get(),
        )
        self.key_texts = [KeyRing.generate_text(self.chance("keys"), "simulated")]
        self._portal_secret = self.chance("portal").token_bytes(32).hex()
        self._portal_users = portal_users(scenario.users)
        self.network = Network(
            self.time, deliver=self._deliver, entropy=self.chance("network"), recorder=self.recorder
        )
        self.workers = [
            Worker(clock=WorkerClock(self.time), entropy=self.chance(f"worker {number}"))
            for number in range(1, scenario.workers + 1)
        ]
        for user in scenario.users:
            for name, setting in user.phones.items():
                self.add_phone(user.name, name, setting)
        self.restart()

    def chance(self, name: str) -> SeededEntropy:
        """Give the stream of chance for one purpose."""
        return SeededEntropy(self.scenario.seed, name)

    def restart(self, number: int | None = None) -> None:
        """Start one worker, or all, anew; what is in their memory is gone and the store stays."""
        self._wall.show(self.time.now())
        for index, worker in enumerate(self.workers, start=1):
            if number in (None, index):
                self.portal = portal_for(self.scenario, self.factory, self._portal_users, self._portal_secret)
                wrap = partial(self._wrap, worker=worker, portal=self.portal)
                try:
                    worker.application = MonitoredMiddleware(wrap, self.portal.application)
                except ConfigurationError as error:
                    raise PortalError(f"the middleware refuses the portal: {error}") from error

    def rotate_keys(self) -> None:
        """Add a key that seals and signs from now on; every worker starts again with it."""
        name = f"simulated{len(self.key_texts) + 1}"
        self.key_texts.append(KeyRing.generate_text(self.chance(f"keys {name}"), name))
        self.restart()

    def change_policy(self, settings: Mapping[str, Any]) -> None:
        """Let other settings hold; every worker starts again with them."""
        self.policy = replace(self.policy, **settings)
        self.restart()

    def change_user(self, name: str, changes: Mapping[str, Any]) -> None:
        """Give a user of the portal another address, password or group; the workers go on as they are."""
        state = self.user_states[name]
        if changes.get("name", state.spec.name) != state.spec.name:
            self._take_away(state.spec.name)
        state.spec = replace(state.spec, **changes)
        self.directory.put(state.spec)
        self.monitor.password_changed(state.spec.name, state.spec.password)
        self._portal_users.update(portal_users([state.spec]))
        self._replace_portal()

    def delete_user(self, name: str) -> None:
        """Let the portal and its directory have a user no longer; the workers go on as they are."""
        self.user_states[name].is_deleted = True
        self._take_away(self.user_states[name].spec.name)
        self._replace_portal()

    def end_portal_sessions(self) -> None:
        """Let the portal sign with another secret, so that nobody is signed in to it; every worker starts again."""
        self._portal_secret = self.chance(f"portal {self.time.now()}").token_bytes(32).hex()
        self.monitor.logins_ended()
        self.restart()

    def _take_away(self, name: str) -> None:
        self.directory.remove(name)
        self.monitor.user_removed(name)
        self._portal_users.pop(name, None)

    def _replace_portal(self) -> None:
        for worker in self.workers:
            if worker.application is not None:
                self.portal = portal_for(self.scenario, self.factory, self._portal_users, self._portal_secret)
                worker.application.replace_portal(self.portal.application)

    def use_browser(self, name: str) -> Browser:
        """Note that a step uses a browser, and return it; the first use makes it.

        `BROWSER/TAB` is a tab of it: the same cookies, a page of its own.
        """
        window, slash, _ = name.partition("/")
        if slash and name not in self.browsers:
            self.browsers[name] = self.use_browser(window).new_tab()
        self.last_browser = name
        tab = self._tab.get()
        if tab is not None and tab.name == name:
            return tab
        if name in self.browsers:
            self.last_user = self.browsers[name].user or self.last_user
        else:
            self.browsers[name] = self._new_browser(name)
        return self.browsers[name]

    def _new_browser(self, name: str) -> Browser:
        browser = Browser(name=name, network=self.network, time=self.time, recorder=self.recorder)
        browser.network_conditions = NetworkConditions(base=self.scenario.network, changes={})
        browser.spec = self.scenario.browsers.get(name, browser.spec)
        return browser

    @contextmanager
    def in_tab(self, tab: Browser | None) -> Iterator[None]:
        """Give a step that runs beside others a tab of its browser instead of the window itself."""
        token = self._tab.set(tab)
        try:
            yield
        finally:
            self._tab.reset(token)

    def use_user(self, name: str) -> UserState:
        """Note that a step is about a user, and return the state of that user."""
        if name not in self.user_states:  # the name at the portal, which was changed
            name = next(key for key, state in self.user_states.items() if state.spec.name == name)
        self.last_user = name
        return self.user_states[name]

    def phones(self) -> list[Phone]:
        """Give every phone, in the order in which their owners got them."""
        return list(self._phones.values())

    def add_phone(self, owner: str, name: str, setting: ClockSetting | None = None) -> Phone:
        """Give a user a phone; one of the same name is replaced."""
        phone = Phone(name=name, owner=owner, clock=self._device_clock(setting or ClockSetting()))
        self._phones[owner, name] = phone
        return phone

    def clone_phone(self, owner: str, name: str, copy: str) -> Phone:
        """Copy a phone's keys to another one with a right clock."""
        clone = self.phone(name, owner).clone(name=copy, clock=self._device_clock(ClockSetting()))
        self._phones[owner, copy] = clone
        return clone

    def phone(self, name: str, owner: str | None = None) -> Phone:
        """Give the phone of a name: that of the user who acts, or else the only one that is called so."""
        if owner is not None and (owner, name) in self._phones:
            return self._phones[owner, name]
        found = [phone for (_, phone_name), phone in self._phones.items() if phone_name == name]
        if len(found) != 1:
            owners = ", ".join(phone.owner for phone in found)
            raise StepError(
                f"the phone {name} belongs to {owners}: which?" if found else f"there is no phone {name} yet"
            )
        return found[0]

    def first_phone(self, owner: str) -> Phone:
        """Give the phone that a user used last, or else the first."""
        used = self.user_states[owner].phone
        name = used or next((name for user, name in self._phones if user == owner), None)
        if name is None:
            raise StepError(f"{owner} has no phone")
        return self.phone(name, owner)

    def account(self, user: str) -> Account | None:
        """Give what the store knows of a user, which no emulated person may look at."""
        state = self.user_states.get(user)
        return self.store.peek(user if state is None else state.spec.name)

    def middleware(self) -> MfaMiddleware:
        """Give the middleware of the first worker."""
        application = self.workers[0].application
        if application is None:
            raise StepError("no worker runs")
        return application.middleware

    def desk(self) -> SupportDesk:
        """Give the support desk, which works at the first worker."""
        return self.middleware().support_desk

    def _device_clock(self, setting: ClockSetting) -> DeviceClock:
        now = self.time.now()
        error = ClockDeviation(
            offset=setting.offset, drift_ppm=setting.drift_ppm, zone=setting.wrong_zone, set_at=now
        )
        return DeviceClock(self.time, error)

    def _wrap(self, application: WSGIApplication, *, worker: Worker, portal: Portal) -> MfaMiddleware:
        return MfaMiddleware(
            application,
            issuer=ISSUER,
            identity=portal.identity,
            store=self.store,
            keys=KeyRing.from_text(",".join(self.key_texts)),
            policy=self.policy,
            directory=self.directory.person,
            user_names="ask",  # names are told from each other, and accounts go by the folded name
            support_agents=[f"group:{AGENTS}"],
            plain_http=True,
            clock=worker.clock,
            entropy=worker.entropy,
            **portal.settings,
        )

    def _deliver(self, request: Request) -> Response | None:
        """Hand a request to the next worker in turn; one that ends over it starts again, and nothing is replied."""
        index = self._turn % len(self.workers)
        worker = self.workers[index]
        self._turn += 1
        if worker.application is None:
            raise StepError("no worker runs")
        # The portal sees true time even where a worker's clock is wrong: a story is about the middleware's clock, and
        # a portal that refuses its own session, because a worker ahead of it has signed it, would hide what happens.
        self._wall.show(self.time.now())
        at = self.time.now()
        self.on_progress(f"{request.method} {request.path}")
        self.time.wait(self.portal_span)
        token = self._serving.set(True)
        try:
            with passing(self._wait_in_a_request):
                response = self.monitor.served(
                    request, worker.application.answer, at=at, now=worker.clock.now(), policy=self.policy
                )
        except WorkerEndedError:
            self.recorder.current.remark(f"worker {index + 1} ended over {request.method} {request.path}")
            self.restart(index + 1)
            return None
        finally:
            self._serving.reset(token)
            self.on_progress("")
        self._note_cookie(request, response)
        self.recorder.current.deliveries.append(
            Delivery(
                at=at,
                worker=index + 1,
                clock_error=worker.clock.error(),
                request=request,
                response=response,
            )
        )
        return response

    def _wait_in_a_request(self, span: int) -> None:
        """Let time pass because the application sleeps, and show it the time at which it wakes."""
        self.time.wait(span)
        self._wall.show(self.time.now())

    def note_drifts(self, line: int) -> None:
        """Note of each account whose learned drift has changed that the step at a line of the file did it."""
        for user, account in self.monitor.ledger.accounts.items():
            phone = account.authenticator
            steps = phone.drift_steps if phone is not None else 0
            known = self.learned.get(user)
            if steps != (known.steps if known is not None else 0):
                self.learned[user] = LearnedDrift(steps=steps, line=line)

    def _note_cookie(self, request: Request, response: Response) -> None:
        """Note as what the portal knows its cookie that a client is given, sealed once more or for the first time."""
        name = self.portal.cookie
        held = response.cookies.get(name)
        if held is not None:
            before = self.cookies_in_clear.get(cookies_in(request.cookie).get(name, ""))
            in_clear = response.cookies_given.get(name, before)
            if in_clear is not None:
                self.cookies_in_clear[held] = in_clear
