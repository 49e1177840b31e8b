"""Random lives of one account: three browsers, one of them a thief's, phones, a desk, and clocks that jump.

What must hold is said here again in other words than the rules': which code is right is worked out from the
phones, and what was used up is remembered in sets that never forget.

A failing run prints the shortest life that it found, from ``state = Lives()`` on: paste it into a test of this file.
``MFA_LIVES_STEPS=50000`` makes the run longer; ``tox run -e machine`` does.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from wsgi_mfa.core import known_browsers, throttle, verification
from wsgi_mfa.core.account import Method
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Hint, Outcome, Reason
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.totp import step_at
from wsgi_mfa.core.verification import USED_STEPS_MAX

pytestmark = pytest.mark.any_python

#: How many steps are asked for: 1,000 beside the other tests, 50,000 in the environment ``machine``.
STEPS = int(os.environ.get("MFA_LIVES_STEPS", "1000"))
STEPS_A_LIFE = 50
# A quarter more lives than such long ones would take, for those that end early.
LONG = settings(
    max_examples=STEPS // STEPS_A_LIFE * 3 // 2 + 1,
    stateful_step_count=STEPS_A_LIFE,
    deadline=None,
    derandomize=True,
    database=None,
)

# Small budgets, so that random lives reach their ends.
POLICY = Policy(
    failures_rolling_max=12,
    failures_rolling_days=2,
    known_failures_rolling_max=8,
    sessions_max=5,
    remembered_browser_days=3,
)
BROWSERS = st.integers(min_value=0, max_value=2)
NEAR_STEPS = st.sampled_from([0, 0, 0, -1, 1, -2, 2, -4, 4])
PAUSES = st.sampled_from([0, 61, 31, 3601])
LATER = st.sampled_from([1, 4, 6, 29, 30, 31, 61, 90, 301, 601, 3600, 3660, 86400, 8 * 86400])
JUMPS = st.sampled_from([-1, -30, -90, -299, -301, -3600, -365 * 86400, 3600, 365 * 86400])


class Lives(RuleBasedStateMachine):
    """The invariants are those of the rules R6, R12, R15-R20, R28, R35, R40, R45, R55, D10, D16, D18, D22, D26."""

    new_world = None  # set by the fixture, so that a printed ``Lives()`` needs no argument
    lives_count = steps_count = recalled_count = 0

    def __init__(self):
        super().__init__()
        type(self).lives_count += 1
        self.world = world = type(self).new_world(policy=POLICY)
        self.browsers = [world.browser(login=f"login-{index}") for index in range(3)]
        self.phones = {}  # sealed key -> the phone that scanned it
        self.confirmed = set()  # keys that became active by a right code
        self.used = {}  # sealed key -> steps that were used up
        self.opened_by = {}  # session -> the browser that opened it
        self.dead_sessions, self.old_recovery_codes = set(), []
        self.shown_at, self.spent_secrets = {}, set()  # when a browser was remembered
        self.dead_browsers, self.kept_open = set(), set()  # but for sessions that did the forgetting
        self.typed = []  # codes that somebody may have seen
        self.last_step, self.latest = {}, world.now

    @initialize(enrolled=st.sampled_from([True, True, False]), remembered=st.booleans())
    def most_users_have_a_phone_and_some_are_remembered(self, enrolled, remembered):
        if enrolled:
            self.begin(index=0, restart=False)
            self.confirm(index=0, steps=0, lose_reply=False)
            self.browsers[0].acknowledge()
            self.world.wait(60)
        if enrolled and remembered:
            self.enter_code(self.browsers[0], self.active().code(), remember=True)
            self.world.wait(60)

    # What was true before a command, worked out without the rules.

    def active(self):
        phone = self.world.account.authenticator
        return None if phone is None else self.phones[phone.sealed_key]

    def right_steps(self, code):
        """The unused steps of the window that ``code`` belongs to."""
        held, phone = self.world.account.authenticator, self.active()
        if held is None:
            return set()
        here = step_at(self.world.now, period_seconds=30) + held.drift_steps
        window = range(here - 1, here + 2)
        used = self.used[held.sealed_key]
        return {step for step in window if phone.code_of(step) == code and step > held.last_step} - used

    def judges(self, browser, counters):
        """Return the failures by which a code of this browser is judged: its own if it is known (D46)."""
        context = Context(now=self.world.now, policy=POLICY)
        account = without_expired(self.world.account, context)
        known = None
        if counters == "code_failures":
            known = known_browsers.judged_as(account, browser.origin(), POLICY)
        return getattr(account, counters) if known is None else known.failures

    def closed(self, browser, counters):
        """Return whether no code of this browser is evaluated now."""
        context, failures = Context(now=self.world.now, policy=POLICY), self.judges(browser, counters)
        if counters == "code_failures" and failures == self.judges(self.world.browser(), counters):
            return throttle.wait_seconds(failures, context) is not None
        return throttle.lock_seconds(failures, self.world.now) is not None

    @staticmethod
    def remembered(account):
        return {remembered.id for remembered in account.remembered_browsers}

    def showed_a_factor(self, browser):
        """Whether a code or a recovery code was shown in this browser's session, and lately (R40, R55)."""
        session = self.world.account.session(browser.session_id)
        lately = self.world.now - session.verified_at < POLICY.step_up_seconds * SECOND
        return lately and session.method is not Method.REMEMBERED_BROWSER

    def told_before(self, browser, code):
        """Whether the account may answer this browser's code with what it said a moment ago."""
        answers = self.world.account.answers
        return any(answer.browser == browser.cookie and answer.fingerprint == code for answer in answers)

    # What must be true after it.

    def opened(self, browser, decision, before, *, right, counters):
        """Judge a command that may open a session; whether it did."""
        account = self.world.account
        new = {session.id for session in account.sessions} - {session.id for session in before.sessions}
        if not new:
            if decision.session_id is not None:  # asked again: the same browser, the same session
                assert self.opened_by[decision.session_id] is browser
                assert account.session(decision.session_id) is not None
            return False
        assert new == {decision.session_id}
        assert right
        assert counters is None or not self.was_closed
        self.opened_by[decision.session_id] = browser
        return True

    def send(self, counters, browser, act, *arguments, **options):
        """Send a command; while the counters of its browser are closed it is neither evaluated nor charged."""
        before, self.was_closed = self.world.account, self.closed(browser, counters)
        decision = act(*arguments, **options)
        if self.was_closed:
            after = self.world.account
            assert getattr(after, counters).consecutive_count == getattr(before, counters).consecutive_count
            assert after.known_failures == before.known_failures
        return decision, before

    # Enrollment

    @rule(index=BROWSERS, restart=st.booleans())
    def begin(self, index, restart):
        browser = self.browsers[index]
        enrolled, stands = self.world.account.authenticator is not None, browser.state()
        decision = browser.begin(restart=restart)
        if decision.pending is not None:
            assert not enrolled or stands in (Outcome.SIGNED_IN, Outcome.MUST_SAVE_RECOVERY_CODE)
            assert decision.pending.browser == browser.cookie
            assert not enrolled or self.showed_a_factor(browser)
            self.phones[decision.pending.sealed_key] = self.world.phone().scan(decision)

    @rule(index=BROWSERS, steps=NEAR_STEPS, lose_reply=st.booleans())
    def confirm(self, index, steps, lose_reply):
        browser, world = self.browsers[index], self.world
        pending = world.account.pending_of(browser.cookie, browser.login)
        if pending is None:
            return
        code = self.phones[pending.sealed_key].code(steps)
        before = world.account
        decision = browser.confirm(code, lose_reply=lose_reply)
        self.typed.append(code)
        if self.opened(browser, decision, before, right=-1 <= steps <= 1, counters=None):
            assert world.account.generation != before.generation
            assert [session.id for session in world.account.sessions] == [decision.session_id]
            assert world.account.pending == ()
            self.confirmed.add(pending.sealed_key)
            self.used[pending.sealed_key] = {world.account.authenticator.last_step}
            self.dead_sessions |= {session.id for session in before.sessions}
            self.dead_browsers |= self.remembered(before)

    @rule(index=BROWSERS)
    def present_the_enrollment_code(self, index):
        account = self.world.account
        if account.enrollment_code is not None:
            decision = self.browsers[index].present(self.world.enrollment_code())
            taken = account.enrollment_browser not in (None, self.browsers[index].cookie)
            assert not (taken and decision.outcome is Outcome.MUST_ENROLL)

    # Codes

    def enter_code(self, browser, code, lose_reply=False, remember=False):
        world = self.world
        right, told = self.right_steps(code), self.told_before(browser, code)
        decision, before = self.send(
            "code_failures", browser, browser.enter, code, lose_reply=lose_reply, remember=remember
        )
        for remembered in world.account.remembered_browsers:
            self.shown_at.setdefault(remembered.id, world.now)
        self.typed.append(code)
        if self.opened(browser, decision, before, right=bool(right), counters="code_failures"):
            step = world.account.authenticator.last_step
            assert step in right
            drift = world.account.authenticator.drift_steps
            assert abs(drift - before.authenticator.drift_steps) <= 1
        elif right and not told and not self.was_closed and decision.session_id is None:
            assert decision.outcome is Outcome.REFUSED
            assert decision.reason is Reason.SERVER_CLOCK
        held = world.account.authenticator
        if held is not None and decision.account is not None:
            here = step_at(world.now, period_seconds=30) + held.drift_steps
            if decision.outcome is Outcome.SIGNED_IN:
                self.used[held.sealed_key].add(held.last_step)
            if decision.hint is Hint.CLOCK_SLOW:  # what earned the hint is used up
                steps = range(here - 31, here)
                self.used[held.sealed_key] |= {s for s in steps if self.active().code_of(s) == code}
        return decision

    @rule(index=BROWSERS, steps=NEAR_STEPS, lose_reply=st.booleans(), seconds=PAUSES, remember=st.booleans())
    def enter(self, index, steps, lose_reply, seconds, remember):
        self.world.wait(seconds)
        if self.active() is not None:
            self.enter_code(self.browsers[index], self.active().code(steps), lose_reply, remember)

    # Remembered browsers

    @rule(index=BROWSERS, lose_reply=st.booleans(), anew=st.sampled_from([True, True, False]))
    def come_back(self, index, lose_reply, anew):
        """Sign in by the password alone, with what the cookie holds."""
        browser, world = self.browsers[index], self.world
        if browser.remembered is None:
            return
        if anew:
            browser.session_id = None
        browser_id, secret = browser.remembered
        before, age_seconds = world.account, (world.now - self.shown_at[browser_id]) / SECOND
        right = (
            browser_id in self.remembered(before) - self.dead_browsers
            and secret not in self.spent_secrets
            and -POLICY.clock_skew_seconds_max <= age_seconds < 3 * 86400
        )
        decision = browser.recall(lose_reply=lose_reply)
        if self.opened(browser, decision, before, right=right, counters=None):
            self.spent_secrets.add(secret)
            assert world.account.session(decision.session_id).method is Method.REMEMBERED_BROWSER
            type(self).recalled_count += 1
        assert world.account.authenticator == before.authenticator

    @rule(
        index=BROWSERS,
        seconds=st.sampled_from([1, 3600, 86400, 3 * 86400]),
        between=st.sampled_from(["reset", "fence", None, None, None, None]),
    )
    def remember_and_come_back(self, index, seconds, between):
        """Tick the box with a right code, and come once with the new cookie and twice with a copy of it."""
        held, browser = self.world.account.authenticator, self.browsers[index]
        if held is None:
            return
        self.world.wait(31)
        self.enter_code(browser, self.active().code(held.drift_steps), remember=True)
        thief = self.browsers[(index + 1) % 3]
        thief.remembered = browser.remembered
        if between is not None:
            getattr(self, between)()
        for who in (browser, thief, browser):
            self.world.wait(seconds)
            self.come_back(self.browsers.index(who), lose_reply=False, anew=True)

    @rule(index=BROWSERS)
    def copy_the_cookie(self, index):
        thief, victim = self.browsers[(index + 1) % 3], self.browsers[index]
        thief.remembered = victim.remembered

    @rule(index=BROWSERS)
    def copy_the_known_cookie(self, index):
        thief, victim = self.browsers[(index + 1) % 3], self.browsers[index]
        thief.known_secrets = victim.known_secrets

    @rule(index=BROWSERS, every=st.booleans())
    def forget_known_browsers(self, index, every):
        browser = self.browsers[index]
        decision = browser.forget_known(every=every)
        if decision.account is not None:
            origin = browser.origin()
            assert known_browsers.browser_of(self.world.account, origin.known_secrets) is None
            assert not (every and self.world.account.known_browsers)

    @rule(index=BROWSERS)
    def come_from_a_new_browser(self, index):
        """Clear the cookies: what makes the browser known is gone, and so is its session."""
        browser = self.browsers[index]
        browser.known_secrets, browser.session_id, browser.remembered = (), None, None

    @rule(index=BROWSERS, one=st.booleans())
    def forget_browsers(self, index, one):
        browser, before = self.browsers[index], self.remembered(self.world.account)
        wanted = browser.remembered[0] if one and browser.remembered else None
        decision = browser.forget(wanted)
        if decision.account is not None:
            self.dead_browsers |= before if wanted is None else {wanted}
            self.kept_open.add(browser.session_id)

    @rule(index=BROWSERS, lose_reply=st.booleans())
    def race(self, index, lose_reply):
        """Two browsers decide about one account at once; one save is lost, and its browser decides again."""
        if self.active() is None:
            return
        world, code = self.world, self.active().code(self.world.account.authenticator.drift_steps)
        winner, loser = self.browsers[index], self.browsers[(index + 1) % 3]
        lost = decide(
            world.account,
            loser.entering(code)(world.account, loser.origin()),
            Context(now=world.now, policy=POLICY),
        )
        won = self.enter_code(winner, code, lose_reply)
        again = self.enter_code(loser, code)
        opened = [decision for decision in (won, again) if decision.account and decision.session_id]
        assert len(opened) <= 1
        if lost.account is not None:
            assert world.account.session(lost.session_id) is None

    @rule(index=BROWSERS, number=st.integers(min_value=0, max_value=50))
    def guess(self, index, number):
        if self.active() is not None:
            self.enter_code(self.browsers[index], self.active().wrong_code(number))

    @rule(index=BROWSERS, back=st.integers(min_value=1, max_value=12))
    def replay(self, index, back):
        if len(self.typed) >= back:
            code = self.typed[-back]
            if self.active() is not None:
                self.enter_code(self.browsers[index], code)

    @rule(index=BROWSERS, seconds=st.sampled_from([600, 3600, 365 * 86400]))
    def sign_in_while_the_clock_is_ahead(self, index, seconds):
        held = self.world.account.authenticator
        if held is not None:
            self.world.wait(seconds)
            self.enter_code(self.browsers[index], self.active().code(held.drift_steps))
            self.world.wait(-seconds)
            self.unlock_clock()

    @rule(index=BROWSERS, back=st.integers(min_value=1, max_value=10))
    def replay_when_its_time_comes(self, index, back):
        """A code that was used while the clock was ahead, at the moment that it was made for."""
        held = self.world.account.authenticator
        if held is None:
            return
        used = sorted(self.used[held.sealed_key])
        ahead = used[-min(back, len(used))]
        self.world.now = max(self.world.now, ahead * 30 * SECOND)
        self.enter_code(self.browsers[index], self.active().code_of(ahead))

    @rule(index=BROWSERS, steps=st.integers(min_value=-12, max_value=12))
    def resync(self, index, steps):
        if self.active() is None:
            return
        browser, phone = self.browsers[index], self.active()
        for ahead in (0, 1):
            code = phone.code(steps)
            decision, before = self.send("code_failures", browser, browser.resync, code)
            assert decision.session_id is None
            sessions = {session.id for session in self.world.account.sessions}
            assert sessions <= {session.id for session in before.sessions}
            if decision.outcome is Outcome.RESYNCED and decision.account is not None:
                step = self.world.account.authenticator.last_step
                key = self.world.account.authenticator.sealed_key
                assert not {step - 1, step} & self.used[key]
                self.used[key] |= {step - 1, step}
            self.typed.append(code)
            if ahead == 0:
                self.world.wait(30)

    # Recovery codes

    def recover_with(self, browser, code, lose_reply=False):
        held = self.world.account.recovery_code
        right = held is not None and code == self.world.recovery_code()
        decision, before = self.send(
            "recovery_failures", browser, browser.recover, code, lose_reply=lose_reply
        )
        if self.opened(browser, decision, before, right=right, counters="recovery_failures"):
            self.old_recovery_codes.append(code)
            assert self.world.recovery_code() != code
            self.dead_browsers |= self.remembered(before)

    @rule(index=BROWSERS, lose_reply=st.booleans())
    def recover(self, index, lose_reply):
        if self.world.account.recovery_code is not None:
            self.recover_with(self.browsers[index], self.world.recovery_code(), lose_reply)

    @rule(index=BROWSERS, number=st.integers(min_value=0, max_value=9))
    def stuff_old_recovery_codes_or_guess(self, index, number):
        guesses = [*self.old_recovery_codes[-4:], f"{number:024}"]
        self.recover_with(self.browsers[index], guesses[number % len(guesses)])

    @rule(index=BROWSERS)
    def show_save_or_replace(self, index):
        browser = self.browsers[index]
        seen = browser.show().outcome is Outcome.MUST_SAVE_RECOVERY_CODE
        if seen:
            session = self.world.account.session(browser.session_id)
            assert self.opened_by[session.id] is browser
            assert session.method is not Method.REMEMBERED_BROWSER
            browser.acknowledge()
            assert self.world.account.recovery_code.acknowledged
        elif browser.state() is Outcome.SIGNED_IN:
            self.old_recovery_codes += (
                [self.world.recovery_code()] if self.world.account.recovery_code else []
            )
            if browser.replace_recovery_code().outcome is not Outcome.MUST_SAVE_RECOVERY_CODE:
                self.old_recovery_codes = self.old_recovery_codes[:-1]
            else:
                assert self.showed_a_factor(browser)

    # Leaving, the desk, the operator

    @rule(index=BROWSERS, forget=st.booleans())
    def sign_out(self, index, forget):
        browser = self.browsers[index]
        session = self.world.account.session(browser.session_id)
        browser.sign_out(login_fingerprint=browser.login)
        if session is not None:
            self.dead_sessions.add(session.id)
        if forget:
            browser.session_id = None

    @rule(index=BROWSERS)
    def browse_with_own_and_with_stolen_cookies(self, index):
        before = self.world.account
        self.browsers[index].browse()
        assert self.world.account.authenticator == before.authenticator
        thief, victim = self.browsers[index], self.browsers[(index + 1) % 3]
        own, thief.session_id = thief.session_id, victim.session_id
        stands = thief.state()
        thief.session_id = own
        if victim.session_id != own:
            assert stands in (Outcome.MUST_VERIFY, Outcome.MUST_ENROLL)

    @rule(act=st.sampled_from(["unlock_clock", "unlock", "unlock_clock", "fence", "reset"]))
    def desk(self, act):
        getattr(self, act)()

    def reset(self):
        account = self.world.account
        if account.recovery_code is not None:
            self.old_recovery_codes.append(self.world.recovery_code())
        self.dead_sessions |= {session.id for session in account.sessions}
        self.dead_browsers |= self.remembered(account)
        self.world.reset()
        account = self.world.account
        assert account.authenticator is account.recovery_code is account.first_code is None
        assert account.sessions == account.pending == account.retries == ()

    def fence(self):
        account = self.world.account
        if account.recovery_code is not None:
            self.old_recovery_codes.append(self.world.recovery_code())
        self.dead_sessions |= {session.id for session in account.sessions}
        self.dead_browsers |= self.remembered(account)
        self.world.fence()
        held = self.world.account.authenticator
        if held is not None:  # what a phone may have used before the fence counts as used
            here = step_at(self.world.now, period_seconds=30)
            self.used[held.sealed_key] |= set(verification.window(held, here, POLICY))
            self.forget_what_is_too_much(held, here)

    def forget_what_is_too_much(self, held, here):
        """Of the steps that are used up ahead of the clock only so many are kept (D22)."""
        ahead = {step for step in self.used[held.sealed_key] if step > here}
        if len(ahead) > USED_STEPS_MAX:
            self.used[held.sealed_key] -= ahead - {*held.used_steps, held.last_step}

    def unlock(self):
        self.world.unlock()

    def unlock_clock(self):
        self.world.unlock(clock=True)
        held = self.world.account.authenticator
        if held is not None:
            here = step_at(self.world.now, period_seconds=30)
            assert held.last_step <= here
            self.forget_what_is_too_much(held, here)
            assert {step for step in self.used[held.sealed_key] if step > here} <= set(held.used_steps)
            self.last_step[held.sealed_key] = held.last_step

    # Clocks

    @rule(seconds=LATER)
    def wait(self, seconds):
        self.world.wait(seconds)

    @rule(seconds=JUMPS)
    def the_clock_jumps(self, seconds):
        self.world.now = max(0, self.world.now + seconds * SECOND)

    @invariant()
    def each_step_is_counted(self):
        type(self).steps_count += 1

    @invariant()
    def the_last_step_never_goes_back(self):
        held = self.world.account.authenticator
        if held is not None:
            assert held.last_step >= self.last_step.get(held.sealed_key, 0)
            self.last_step[held.sealed_key] = held.last_step

    @invariant()
    def drift_is_bounded(self):
        held = self.world.account.authenticator
        assert held is None or abs(held.drift_steps) <= POLICY.resync_steps_max

    @invariant()
    def only_a_confirmed_key_is_active(self):
        held = self.world.account.authenticator
        assert held is None or held.sealed_key in self.confirmed

    @invariant()
    def nothing_that_was_ended_lives(self):
        account = self.world.account
        assert not self.dead_sessions & {session.id for session in account.sessions}
        assert not self.dead_browsers & self.remembered(account)
        others = [session for session in account.sessions if session.id not in self.kept_open]
        assert not self.dead_browsers & {session.remembered_id for session in others}

    @invariant()
    def everything_is_bounded(self):
        account = self.world.account
        assert len(account.remembered_browsers) <= 20
        sizes = [account.sessions, account.pending, account.retries, account.answers, account.ended_logins]
        assert all(len(size) <= most for size, most in zip(sizes, [5, 4, 4, 4, 8], strict=True))
        assert len(account.known_browsers) <= 8
        assert len(account.hints) <= 3
        assert len(account.enrollments_begun) <= 10
        self.latest = max(self.latest, self.world.now)

    @invariant()
    def no_budget_is_exceeded(self):
        """Within the days of a budget no more wrong codes are judged than it has, whatever was cleared (D46, D47)."""
        account = without_expired(self.world.account, Context(now=self.world.now, policy=POLICY))
        assert throttle.counted(account.code_failures.days) <= POLICY.failures_rolling_max
        most = POLICY.known_failures_rolling_max + known_browsers.GRANTED_TRIES_MAX
        assert throttle.counted(account.known_failures) <= most

    def teardown(self):
        """Whatever happened, there is a way in: the phone after waiting, the recovery code, and the desk."""
        world = self.world
        world.now = self.latest + 3 * 86400 * SECOND
        if self.active() is not None:
            assert self.phone_gets_in()
            if world.account.recovery_code is not None:
                assert world.browser().recover(world.recovery_code()).outcome is Outcome.SIGNED_IN
        world.reset()
        caller = world.browser()
        if world.account.enrollment_code is not None:
            assert caller.present(world.enrollment_code()).outcome is Outcome.MUST_ENROLL
        caller.enroll(world.phone())

    def phone_gets_in(self):
        """With a code of the right phone, after it re-learned the clock where that was learned wrongly."""
        world, phone, browser = self.world, self.active(), self.world.browser()
        if browser.enter(phone.code()).outcome is Outcome.SIGNED_IN:
            return True
        world.wait(POLICY.backoff_seconds_max)
        browser.resync(phone.code())
        world.wait(30)
        browser.resync(phone.code())
        world.wait(30)
        return browser.enter(phone.code()).outcome is Outcome.SIGNED_IN


@pytest.fixture(autouse=True)
def _worlds(new_world):
    Lives.new_world, Lives.lives_count, Lives.steps_count, Lives.recalled_count = new_world, 0, 0, 0


@pytest.mark.requirement(
    "R6", "R12", "R15", "R16", "R18", "R19", "R20", "R28", "R35", "R36", "R45", "R49", "R55"
)
@pytest.mark.requirement("D10", "D13", "D14", "D16", "D18", "D22", "D26", "D46", "D47")
def test_no_life_of_an_account_breaks_a_rule(capsys):
    run_state_machine_as_test(Lives, settings=LONG)
    with capsys.disabled():
        print(
            f"\n{Lives.steps_count:,} steps of {Lives.lives_count:,} lives, {Lives.recalled_count:,} recalls"
        )
    assert Lives.steps_count >= STEPS
    # Else the lives would say nothing of remembered browsers; the few beside the other tests may have none.
    assert Lives.recalled_count >= (STEPS - 1000) // 200


def test_a_broken_rule_is_found_and_what_the_run_prints_pastes_into_a_test(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(verification, "_is_unused", lambda authenticator, step: True)
        hunt = settings(
            LONG, max_examples=50, report_multiple_bugs=False, phases=[Phase.generate, Phase.shrink]
        )
        with pytest.raises(AssertionError) as failure:
            run_state_machine_as_test(Lives, settings=hunt)
        printed = [line for line in failure.value.__notes__ if line.startswith("state")]
        assert printed[0] == "state = Lives()"
        with pytest.raises(AssertionError):
            exec("\n".join(printed), {"Lives": Lives})  # noqa: S102 - as if it were pasted
    exec("\n".join(printed), {"Lives": Lives})  # noqa: S102 - the rule is whole again
