"""What each verb does in the world; a function a verb, by the names of the table of verbs."""

from __future__ import annotations

from collections.abc import Callable

from mfa_simulator.errors import StepError
from mfa_simulator.language.format.verbs import VALUE
from mfa_simulator.language.quantities import SECOND, TimePoint, clock_text
from mfa_simulator.language.scenario import Step
from mfa_simulator.play import (
    attacks,
    moments,
    operator_actions,
    people_actions,
    portal_actions,
    program_actions,
    store_actions,
    store_keeping,
    ways_around,
)
from mfa_simulator.play.cast import phone_of, reader, typed_as, use_actor
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.clocks import DeviceClock

Action = Callable[[World, Step], str | None]


def wait(world: World, step: Step) -> None:
    world.time.wait(step[VALUE])


def wait_until(world: World, step: Step) -> None:
    moment: TimePoint = step[VALUE]
    now = world.time.now()
    if moment.anchor == "step":
        at = _in_a_step_to_come(now, moment.shift, world.policy.period_seconds * SECOND)
    elif moment.anchor == "lockout_end":
        at = moments.lockout_end(world) + moment.shift
    elif moment.anchor == "session_end":
        at = moments.session_end(world) + moment.shift
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
    return user.type_code(_reader(world, step), typing=step["typing"], remember=step["remember"])


def enter_code(world: World, step: Step) -> str:
    user, browser = use_actor(world, step), world.use_browser(step["browser"])
    if browser.page_state is None or browser.page_state.page.form_with("code") is None:
        browser.open(world.portal.home)
    return user.type_code(_reader(world, step), typing=step["typing"], remember=step["remember"])


def _reader(world: World, step: Step) -> Callable[[], str]:
    read = reader(world, step)
    return lambda: typed_as(read(), step["typed"])


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
        typed_as(world.codes.get(code, code), step["typed"]), typing=step["typing"], save=step["save"]
    )


def show_unlock_code(world: World, step: Step) -> str:
    return use_actor(world, step).show_unlock_code()


def forget_browser(world: World, step: Step) -> str:
    return use_actor(world, step).forget_browser()


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


def restart(world: World, step: Step) -> None:
    world.restart(step["worker"])


def rotate_keys(world: World, step: Step) -> None:  # noqa: ARG001  # it takes nothing
    world.rotate_keys()


def change_policy(world: World, step: Step) -> None:
    world.change_policy(step[VALUE])


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
    "show_unlock_code": show_unlock_code,
    "forget_browser": forget_browser,
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
    "server_clock": server_clock,
    "restart": restart,
    "rotate_keys": rotate_keys,
    "change_policy": change_policy,
    **attacks.ACTIONS,
    **people_actions.ACTIONS,
    **operator_actions.ACTIONS,
    **program_actions.ACTIONS,
    **portal_actions.ACTIONS,
    **ways_around.ACTIONS,
    **store_actions.ACTIONS,
    **store_keeping.ACTIONS,
}
