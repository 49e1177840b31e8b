"""The facts by which the server decided about a step that failed: the code, the window, drift, clocks, budgets.

Nothing of it is a code or a key: it may stand in a report.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfa_simulator.invariants.call import JudgedCall
from mfa_simulator.invariants.failure_counts import known_count_of
from mfa_simulator.language.quantities import SECOND, duration_text
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.phone import AuthenticatorKey
from mfa_simulator.world.recorder import Delivery, StepRecord

#: So many steps around the server's own a code is looked for.
FAR_STEPS = 2880  # a day of half minutes


def server_facts(world: World, step: Step, record: StepRecord) -> Iterator[str]:
    """Give the facts by which the server decided about the last code of a step; nothing for a step without one."""
    delivery = _deciding(record)
    if delivery is None:
        return
    user = step.arguments.get("user") or world.last_user
    name = user.casefold() if isinstance(user, str) else ""
    account = world.monitor.ledger.accounts.get(name)
    call = _call(world, delivery)
    if call.typed("code") is not None and account is not None and account.authenticator is not None:
        phone, policy = account.authenticator, world.policy
        key = world.monitor.ledger.keys.get(phone.id)
        here = call.now // (policy.period_seconds * SECOND)
        if key is not None:
            yield _code(key, call.typed("code") or "", here)
        middle, learned = here + phone.drift_steps, world.learned.get(name)
        drift = f"learned drift {phone.drift_steps:+d}" if phone.drift_steps else "no learned drift"
        if learned is not None and learned.steps == phone.drift_steps:
            drift += f" (line {learned.line})"
        yield (
            f"window: steps {middle - policy.steps_back} to {middle + policy.steps_ahead}, {drift};"
            f" last accepted step {phone.last_step}"
        )
    error = delivery.clock_error
    shown = (
        "shows true time"
        if error == 0
        else f"is {duration_text(abs(error) // 1000 * 1000)} " + ("fast" if error > 0 else "slow")
    )
    yield f"worker {delivery.worker} answered; its clock {shown}"
    if account is not None:
        yield _budgets(world, name, call.now)


def _deciding(record: StepRecord) -> Delivery | None:
    """Give the last request that carried a code."""
    sent = [exchange.request for exchange in record.exchanges if exchange.about in ("code", "recovery_code")]
    if not sent:
        return None
    return next((each for each in reversed(list(record.deliveries)) if each.request == sent[-1]), None)


def _call(world: World, delivery: Delivery) -> JudgedCall:
    """Give the request as the judges read it."""
    return JudgedCall(
        request=delivery.request,
        user=None,
        at=delivery.at,
        now=delivery.at + delivery.clock_error,
        policy=world.policy,
        number=0,
        closed={},
    )


def _code(key: AuthenticatorKey, typed: str, here: int) -> str:
    near = sorted(range(max(0, here - FAR_STEPS), here + FAR_STEPS + 1), key=lambda step: abs(step - here))
    found = next((step for step in near if key.code_at(step) == typed), None)
    if found is None:
        return "the code is that of no step of this user's phone, a day around now"
    away = found - here
    where = (
        "the server's own"
        if away == 0
        else f"{abs(away)} {'ahead of' if away > 0 else 'behind'} the server's"
    )
    return f"the code is that of step {found}, {where}"


def _budgets(world: World, user: str, now: int) -> str:
    policy, tally = world.policy, world.monitor.tally(user)
    left = max(0, policy.failures_max - tally.count)
    rolling = max(0, policy.failures_rolling_max - tally.recent(now, policy))
    known = max(0, policy.known_failures_rolling_max - known_count_of(world.store.peek(user)))
    text = f"codes {left} of {policy.failures_max} in a row, {rolling} of {policy.failures_rolling_max}"
    text += f" in {policy.failures_rolling_days} days"
    if tally.locked(now, policy):
        text += f", locked for {tally.seconds_left(now)} s more"
    return f"budgets left: {text}; in known browsers {known} of {policy.known_failures_rolling_max}"
