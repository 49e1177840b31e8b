"""Why a step came to what it did: the decision in words, the window drawn, and what changed in the accounts."""

from __future__ import annotations

from collections.abc import Iterator

from mfa_simulator.inspection.fields import changed_fields
from mfa_simulator.inspection.moment import StoryMoment
from mfa_simulator.invariants.call import JudgedCall
from mfa_simulator.invariants.ledger import CODES, RECOVERY_CODES, Ledger
from mfa_simulator.language.quantities import SECOND, clock_text, duration_text
from mfa_simulator.play.running import PlayedStep
from mfa_simulator.play.timeline import cells_of
from mfa_simulator.world.phone import AuthenticatorKey
from mfa_simulator.world.recorder import Delivery
from mfa_simulator.world.reply_reader import read_reply
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account, Failures

#: How far from the server's step a code is looked for, to say where it belongs.
FAR_STEPS = 120
DRAWN_STEPS = 5
WORDS = {
    "signed_in": "the second factor was accepted",
    "must_choose_app_passwords": "the second factor was accepted, and its user is asked which app passwords to keep",
    "must_save_recovery_code": "the second factor was accepted, and the recovery code must be stored first",
    "must_verify": "a code is asked for",
    "must_enroll": "the user has no phone, and must enroll",
    "may_enroll": "the user may enroll later",
    "wrong_code": "what was typed is wrong, and was charged if it could be a code at all",
    "used_code": "the code is right, and was used up before; nothing was charged",
    "locked": "nothing is judged while a lock or a spent budget lasts, right or wrong",
    "refused": "the request does not fit what the account is by now, or policy forbids it",
    "resynced": "two consecutive codes told how far the phone's clock is off",
    "signed_out": "the session has ended",
    "welcome": "the portal was asked, for a user with both factors or for a page that needs none",
    "sign_in_required": "the portal asks for the password",
    "step_up_required": "a fresher second factor is asked for",
    "unavailable": "the store, or something else that is needed, did not answer; nothing is let through",
    "timeout": "no reply came back",
    "error": "no page of the middleware or the portal explains it",
    "reset": "the account was reset by the desk",
    "unlocked": "the desk gave new tries, where anything was closed",
}


def why(moment: StoryMoment) -> Iterator[str]:
    """Yield the lines that explain the step of a moment."""
    for played in moment.played:
        yield from _step(moment, played)
    for user in moment.world.user_states:
        name = user.casefold()
        before, after = moment.before.get(name), moment.world.monitor.ledger.accounts.get(name)
        yield from _changes(user, before, after)


def _step(moment: StoryMoment, played: PlayedStep) -> Iterator[str]:
    time, into, _, actor, what, outcome = cells_of(played)
    yield f"{time} ({into} into the time step)  {actor or '-'}  {what}"
    yield f"  came to {outcome}" + (f": {WORDS[found]}" if (found := played.found.outcome) in WORDS else "")
    for failure in played.failures:
        yield f"  not as expected: {failure}"
    for violation in played.broken:
        yield from (f"  BROKEN {line}" for line in violation.lines)
    if played.events:
        yield f"  on record: {', '.join(event.kind for event in played.events)}"
    for delivery in played.deliveries:
        yield from _request(moment, played, delivery)
    for remark in played.found.remarks:
        yield f"  {remark}"


def _request(moment: StoryMoment, played: PlayedStep, delivery: Delivery) -> Iterator[str]:
    request, response = delivery.request, delivery.response
    outcome = read_reply(response).outcome
    if outcome == "error" and 300 <= response.status < 400:
        outcome = ""  # a redirect has no page to explain it
    yield f"  {request.method} {request.path} -> {response.summary}{f' ({outcome})' if outcome else ''}"
    if delivery.clock_error:
        error = duration_text(abs(delivery.clock_error) // 1000 * 1000)
        yield f"    worker {delivery.worker}, whose clock is {error} {'fast' if delivery.clock_error > 0 else 'slow'}"
    call = _call_of(delivery, played.policy)
    ledger = moment.world.monitor.ledger
    if (typed := call.typed("code")) is not None:
        yield from _code(ledger, moment, call, typed)
    if call.typed("recovery_code") is not None:
        yield from _recovery_code(ledger, moment, call)


def _call_of(delivery: Delivery, policy: Policy) -> JudgedCall:
    now = delivery.at + delivery.clock_error
    return JudgedCall(
        request=delivery.request, user=None, at=delivery.at, now=now, policy=policy, number=0, closed={}
    )


def _user_of(moment: StoryMoment) -> str | None:
    arguments = moment.step.arguments
    browser = moment.world.browsers.get(arguments.get("browser") or "")
    user = arguments.get("user") or (browser.user if browser is not None else None)
    return user.casefold() if user is not None else None


def _account(moment: StoryMoment) -> Account | None:
    return moment.before.get(_user_of(moment) or "")


def _code(ledger: Ledger, moment: StoryMoment, call: JudgedCall, typed: str) -> Iterator[str]:
    account = _account(moment)
    yield from _locks(account, CODES, call.now)
    phone = account.authenticator if account is not None else None
    key = ledger.keys.get(phone.id) if phone is not None else None
    if account is None or phone is None or key is None or call.path.startswith("/mfa/enroll"):
        yield from _pending_code(ledger, account, call, typed)
        return
    here, policy = call.now // (key.period_seconds * SECOND), call.policy
    middle = here + phone.drift_steps
    window = range(middle - policy.steps_back, middle + policy.steps_ahead + 1)
    found = _steps_of(key, typed, here)
    used = {
        step for step in ledger.used.get(phone.id, {}) if step in phone.used_steps or step <= phone.last_step
    }
    for step in found:
        yield f"    the code is that of step {step}, {_off(step, window)}{_used(ledger, phone.id, step, call)}"
        if step <= phone.last_step and step not in used:
            yield f"    no step up to {phone.last_step}, the last one accepted, counts any more"
    if not found:
        yield f"    the code belongs to no step within {FAR_STEPS} of the server's, of the active key"
        yield from _other_keys(ledger, phone.id, typed, here)
    drift = f"learned drift {phone.drift_steps:+d}" if phone.drift_steps else "no drift learned"
    yield f"    the server is in step {here}; {drift}; last step accepted {phone.last_step}"
    yield from _drawn(here, window, found, {*used, *phone.used_steps, phone.last_step})


def _used(ledger: Ledger, key_id: str, step: int, call: JudgedCall) -> str:
    at = ledger.used.get(key_id, {}).get(step)
    if at is None or at >= call.at:
        return ""
    return f", used up {duration_text((call.at - at) // 1000 * 1000)} before"


def _off(step: int, window: range) -> str:
    if step in window:
        return "within the window"
    steps = window[0] - step if step < window[0] else step - window[-1]
    side = "before the window" if step < window[0] else "after the window"
    return f"{steps} step{'s' if steps > 1 else ''} {side}"


def _steps_of(key: AuthenticatorKey, typed: str, here: int) -> list[int]:
    near = range(max(0, here - FAR_STEPS), here + FAR_STEPS + 1)
    return [step for step in near if key.code_at(step) == typed]


def _other_keys(ledger: Ledger, active: str, typed: str, here: int) -> Iterator[str]:
    for key_id, key in ledger.keys.items():
        if key_id == active or not _steps_of(key, typed, here):
            continue
        what = (
            "a phone that was replaced or reset"
            if key_id in ledger.dead
            else "another user"
            if key_id in ledger.bound
            else "an enrollment that was not confirmed"
        )
        yield f"    it is a code of the key {key_id[:6]}, of {what}"


def _pending_code(ledger: Ledger, account: Account | None, call: JudgedCall, typed: str) -> Iterator[str]:
    for item in account.pending if account is not None else ():
        key = ledger.keys.get(item.id)
        if key is None:
            continue
        here = call.now // (key.period_seconds * SECOND)
        window = range(here - call.policy.steps_back, here + call.policy.steps_ahead + 1)
        found = _steps_of(key, typed, here)
        belongs = (
            f"a code of step {found[0]}, {_off(found[0], window)}" if found else "no code of a step near"
        )
        yield f"    for the pending key {item.id[:6]} it is {belongs}"
        yield from _drawn(here, window, found, set())


def _recovery_code(ledger: Ledger, moment: StoryMoment, call: JudgedCall) -> Iterator[str]:
    account, typed = _account(moment), call.typed("recovery_code")
    yield from _locks(account, RECOVERY_CODES, call.now)
    code = account.recovery_code if account is not None else None
    if account is None or code is None:
        yield "    the account has no recovery code"
    elif ledger.recovery_codes.get(code.id) == typed:
        yield f"    it is the current recovery code, {code.id[:6]}"
    elif typed in ledger.recovery_codes.values():
        yield "    it is a recovery code that was replaced, or another user's"
    else:
        yield "    it is no recovery code that a page has shown"


def _locks(account: Account | None, kind: str, now: int) -> Iterator[str]:
    if account is None:
        return
    if kind == CODES:
        for browser in account.known_browsers:
            yield from _counts(f"codes of the known browser {browser.id[:6]}", browser.failures, now)
        yield from _counts("codes of other browsers", account.code_failures, now)
    else:
        yield from _counts("recovery codes", account.recovery_failures, now)


def _counts(what: str, failures: Failures, now: int) -> Iterator[str]:
    if failures.locked_since is not None:
        left = failures.locked_since + failures.locked_seconds * SECOND - now
        state = f"for {duration_text(left // 1000 * 1000)} more" if left > 0 else "and is over"
        yield f"    {what}: a lock of {failures.locked_seconds} s since {clock_text(failures.locked_since)}, {state}"
    spent = sum(count for _, count in failures.days)
    yield f"    {what}: {failures.consecutive_count} wrong in a row before, {spent} in the days that count"


def _drawn(here: int, window: range, found: list[int], used: set[int]) -> Iterator[str]:
    """Draw the steps near: the window in brackets, what is used up, and what was typed."""
    near = [step for step in found if abs(step - here) <= DRAWN_STEPS]
    low = min(here - DRAWN_STEPS + 2, window[0], *near) - 1
    high = max(here + DRAWN_STEPS - 2, window[-1], *near) + 1
    columns = []
    for step in range(low, high + 1):
        label = f"{step - here:+d}" if step != here else "0"
        opening = "[" if step == window[0] else " "
        closing = "]" if step == window[-1] else " "
        mark = "used" if step in used else "."
        columns.append(
            (f"{opening}{label:^4}{closing}", f" {mark:^4} ", f" {'^' if step in found else '':^4} ")
        )
    for title, row in zip(("step", "", "typed"), zip(*columns, strict=True), strict=True):
        yield f"    {title:>6} {''.join(row)}".rstrip()


def _changes(user: str, before: Account | None, after: Account | None) -> Iterator[str]:
    changed = changed_fields(before, after)
    if not changed:
        return
    yield f"account {user}:"
    widths = [max(len(entry[column]) for entry in changed) for column in (0, 1)]
    for name, was, now in changed:
        yield f"  {name.ljust(widths[0])}  {was.ljust(widths[1])} -> {now}"
