"""What each verb does in the world; a function a verb, by the names of the table of verbs."""

from __future__ import annotations

from collections.abc import Callable

from mfa_simulator.errors import StepError
from mfa_simulator.language.format.verbs import VALUE
from mfa_simulator.language.quantities import SECOND, TimePoint, clock_text
from mfa_simulator.language.scenario import Step
from mfa_simulator.play import attacks
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.clocks import DeviceClock
from mfa_simulator.world.phone import Phone
from mfa_simulator.world.support_agent import SupportAgent
from mfa_simulator.world.user_actor import UserActor
from wsgi_mfa import MfaError
from wsgi_mfa.support import Done, SupportDesk, SupportResult

Action = Callable[[World, Step], str | None]


def use_actor(world: World, step: Step) -> UserActor:
    """Put the user of a step at the browser of the step; later steps that name none mean these two."""
    browser = world.use_browser(step["browser"])
    user = step.arguments.get("user") or browser.user or world.last_user
    if user is None:
        raise StepError(f"nobody has used the browser {browser.name} yet: name the user")
    user_state = world.use_user(user)
    user_state.browser = browser.name
    return UserActor(world, browser, user_state)


def phone_of(world: World, step: Step) -> Phone:
    """Give the phone of a step, or the one that its user has."""
    user = step.arguments.get("user") or world.last_user
    if step.arguments.get("phone") is None:
        if user is None:
            raise StepError("nobody was named before: name the phone")
        return world.first_phone(user)
    return world.phone(step["phone"], user)


def reader(world: World, step: Step) -> Callable[[], str]:
    """Give how the code of a step is read: from a phone, from a note, or as written in the file."""
    if step.arguments.get("code") is not None:
        code: str = step["code"]
        return lambda: world.codes.get(code, code)
    return phone_of(world, step).code


def wait(world: World, step: Step) -> None:
    world.time.wait(step[VALUE])


def wait_until(world: World, step: Step) -> None:
    moment: TimePoint = step[VALUE]
    now = world.time.now()
    if moment.anchor == "step":
        at = _in_a_step_to_come(now, moment.shift, world.policy.period_seconds * SECOND)
    elif moment.anchor == "lockout_end":
        at = world.lockout_end() + moment.shift
    elif moment.anchor == "session_end":
        at = world.session_end() + moment.shift
    else:
        at = moment.shift
    if at < now:
        raise StepError(f"that moment has passed: it was {clock_text(at)}, and it is {clock_text(now)} now")
    world.time.wait_until(at)


def _in_a_step_to_come(now: int, shift: int, period: int) -> int:
    """Count from the next step's beginning, never from that of the step that runs."""
    begins = (now // period + 1) * period
    while begins + shift < now:
        begins += period
    return begins + shift


def set_clock(world: World, step: Step) -> None:
    _set(world.phone(step["phone"]).clock, step)


def server_clock(world: World, step: Step) -> None:
    for number, worker in enumerate(world.workers, start=1):
        if step["worker"] in (None, number):
            _set(worker.clock, step)


def _set(clock: DeviceClock, step: Step) -> None:
    if step["offset"] is not None:
        clock.set_offset(step["offset"])
    if step["jump"] is not None:
        clock.jump(step["jump"])
    if step["drift_ppm"] is not None:
        clock.set_drift(step["drift_ppm"])
    if step["wrong_zone"] is not None:
        clock.set_zone(step["wrong_zone"])
    if step["synchronise"]:
        clock.synchronise()


def new_phone(world: World, step: Step) -> None:
    world.add_phone(step["user"], step["phone"])


def lose_phone(world: World, step: Step) -> None:
    world.phone(step["phone"], step["user"]).forget()


def clone_phone(world: World, step: Step) -> None:
    world.clone_phone(step["user"], step["phone"], step["as"])


def read_code(world: World, step: Step) -> None:
    world.codes[step["as"]] = world.phone(step["phone"]).code()


def password(world: World, step: Step) -> str:
    wrong = "not " + world.user_states[step["user"]].spec.password if step["wrong"] else None
    return use_actor(world, step).arrive(password=wrong)


def enroll(world: World, step: Step) -> str:
    user, phone = use_actor(world, step), phone_of(world, step)
    outcome = user.take_key(phone, manual=step["manual"])
    return (
        user.confirm_key(phone, typing=step["typing"], save=step["save"])
        if outcome == "must_enroll"
        else outcome
    )


def start_enrollment(world: World, step: Step) -> str:
    return use_actor(world, step).take_key(phone_of(world, step), manual=step["manual"])


def confirm_enrollment(world: World, step: Step) -> str:
    return use_actor(world, step).confirm_key(phone_of(world, step), typing=step["typing"], save=None)


def postpone(world: World, step: Step) -> str:
    return use_actor(world, step).postpone()


def sign_in(world: World, step: Step) -> str:
    user = use_actor(world, step)
    outcome = user.arrive()
    if outcome != "must_verify":
        return outcome
    return user.type_code(reader(world, step), typing=step["typing"], remember=step["remember"])


def enter_code(world: World, step: Step) -> str:
    user, browser = use_actor(world, step), world.use_browser(step["browser"])
    if browser.page_state is None or browser.page_state.page.form_with("code") is None:
        browser.open(world.portal.home)
    return user.type_code(reader(world, step), typing=step["typing"], remember=step["remember"])


def recover(world: World, step: Step) -> str:
    written = world.user_states[step["user"]].recovery_codes
    code: str = step["code"]
    if code in ("current", "previous"):
        back = 1 if code == "current" else 2
        if len(written) < back:
            raise StepError(
                f"{step['user']} has written down {len(written)} recovery codes, so there is no {code} one"
            )
        code = written[-back]
    return use_actor(world, step).recover(
        world.codes.get(code, code), typing=step["typing"], save=step["save"]
    )


def save_recovery_code(world: World, step: Step) -> str:
    browser = world.use_browser(step["browser"])
    if browser.page_state is None or browser.page_state.page.form_with("saved") is None:
        browser.open("/mfa/recovery-code")
    return use_actor(world, step).store_recovery_code(save=True)


def resync(world: World, step: Step) -> str:
    return use_actor(world, step).resync(phone_of(world, step), typing=step["typing"])


def sign_out(world: World, step: Step) -> str:
    return use_actor(world, step).sign_out()


def visit(world: World, step: Step) -> str:
    return world.use_browser(step["browser"]).open(step["path"])


def post(world: World, step: Step) -> str:
    return world.use_browser(step["browser"]).post(step["path"], list(step["data"].items()))


def request(world: World, step: Step) -> str:
    browser = world.use_browser(step["browser"])
    return browser.send_raw(step["method"].upper(), step["path"], step["headers"], step["body"])


def retry(world: World, step: Step) -> str:
    """A second click sends just what a retry sends: the same request with the same cookies."""
    outcome, finish = world.use_browser(step["browser"]).resend(), world.recorder.current.finish
    return finish(use_actor(world, step)) if finish is not None else outcome


def back(world: World, step: Step) -> str:
    return world.use_browser(step["browser"]).back()


def close_browser(world: World, step: Step) -> None:
    world.use_browser(step["browser"]).close()


def support_reset(world: World, step: Step) -> str:
    if step["browser"] is not None:
        return _ask_in_the_browser(world, step, "reset")

    def ask(desk: SupportDesk) -> SupportResult:
        return desk.reset(step["user"], email=step["email"], reason=step["reason"], agent=step["agent"])

    return _ask_the_desk(world, step, ask)


def support_unlock(world: World, step: Step) -> str:
    if step["browser"] is not None:
        return _ask_in_the_browser(world, step, "unlock")

    def ask(desk: SupportDesk) -> SupportResult:
        return desk.unlock(step["user"], email=step["email"], reason=step["reason"], agent=step["agent"])

    return _ask_the_desk(world, step, ask)


def _ask_in_the_browser(world: World, step: Step, action: str) -> str:
    agent, user_state = (
        SupportAgent(world.use_browser(step["browser"]), world.recorder),
        world.use_user(step["user"]),
    )
    world.time.wait(step["delay"])
    return agent.call(action, user_state, email=step["email"], reason=step["reason"])


def _ask_the_desk(world: World, step: Step, ask: Callable[[SupportDesk], SupportResult]) -> str:
    user_state = world.use_user(step["user"])
    world.time.wait(step["delay"])
    now = world.workers[0].clock.now()
    with world.monitor.at_the_desk(
        step["user"], at=world.time.now(), now=now, policy=world.policy
    ) as watched:
        try:
            result = ask(world.desk())
        except MfaError as error:
            world.recorder.current.remarks.append(f"{type(error).__name__}: {error}")
            return "error"
        outcome = result.outcome.value
        enrollment_code = result.enrollment_code if isinstance(result, Done) else None
        watched.answered(outcome, enrollment_code)
    world.recorder.current.remarks.append(result.message)
    if enrollment_code is not None:
        user_state.enrollment_code = enrollment_code
    return outcome


def restart(world: World, step: Step) -> None:
    world.restart(step["worker"])


def rotate_keys(world: World, step: Step) -> None:  # noqa: ARG001  # it takes nothing
    world.rotate_keys()


def change_policy(world: World, step: Step) -> None:
    world.change_policy(step[VALUE])


def store_fails(world: World, step: Step) -> None:
    world.store.fail(calls=step["calls"], span=step["for"], after_commit=step["when"] == "after")


ACTIONS: dict[str, Action] = {
    "wait": wait,
    "wait_until": wait_until,
    "set_clock": set_clock,
    "new_phone": new_phone,
    "lose_phone": lose_phone,
    "clone_phone": clone_phone,
    "read_code": read_code,
    "password": password,
    "enroll": enroll,
    "start_enrollment": start_enrollment,
    "confirm_enrollment": confirm_enrollment,
    "postpone": postpone,
    "sign_in": sign_in,
    "enter_code": enter_code,
    "recover": recover,
    "save_recovery_code": save_recovery_code,
    "resync": resync,
    "sign_out": sign_out,
    "visit": visit,
    "post": post,
    "request": request,
    "retry": retry,
    "double_click": retry,
    "back": back,
    "close_browser": close_browser,
    "support_reset": support_reset,
    "support_unlock": support_unlock,
    "server_clock": server_clock,
    "restart": restart,
    "rotate_keys": rotate_keys,
    "change_policy": change_policy,
    "store_fails": store_fails,
    **attacks.ACTIONS,
}
