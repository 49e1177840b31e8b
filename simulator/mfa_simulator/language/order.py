"""Judges what a step needs of the steps before it: names that are given, browsers in use, phones with a key.

A step that lacks it fails whenever it is played, so it is a problem of the file. What only depends on how things went
(a lock that ended, a page that shows something else) is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mfa_simulator.language.format.verbs import TOGETHER, VALUE
from mfa_simulator.language.quantities import TimePoint, clock_text
from mfa_simulator.language.scenario import Scenario, Step
from mfa_simulator.problems import Problems, did_you_mean

#: Verbs that go on with what a browser did before.
GOING_ON = {
    "retry": "sends again",
    "double_click": "sends again",
    "back": "goes back in",
    "confirm_enrollment": "goes on with the enrollment of",
    "save_recovery_code": "ticks the box of",
    "clear_cookies": "clears",
    "keep_page": "keeps the page of",
    "keep_cookies": "keeps the cookies of",
    "finish_resync": "types the second code in",
}
#: Verbs after which a browser has sent something that can be sent again.
KEYS = ("enroll", "start_enrollment")
CODES = ("code", "among")
NAME_MAX = 60  # no name that a person types is longer
ALIKE_MIN = 4  # shorter names are too easily alike


def judge_order(scenario: Scenario, problems: Problems) -> None:
    """Note every step that can never work in its place."""
    _Order(scenario, problems).judge()


class _Order:
    def __init__(self, scenario: Scenario, problems: Problems) -> None:
        self._scenario = scenario
        self._problems = problems
        self._browsers: dict[str, None] = {}
        self._codes: set[str] = set()
        self._keyed: set[tuple[str, str]] = set()
        self._phones = {(user.name, phone) for user in scenario.users for phone in user.phones}
        self._now = scenario.start
        self._codes_to_come = {
            step["as"]: step.position.line
            for step in scenario.every_step()
            if step.verb == "read_code" and step.arguments.get("as")
        }

    def judge(self) -> None:
        """Go through all steps in the order in which they are played."""
        for step in (*self._scenario.steps, *self._scenario.finally_steps):
            for each in step.steps if step.verb == TOGETHER else (step,):
                self._judge(each)
            # Those at the same time may come before one another.
            for each in step.steps if step.verb == TOGETHER else (step,):
                self._note(each)
        self._judge_names()

    def _judge(self, step: Step) -> None:
        self._judge_time(step)
        self._judge_codes(step)
        self._judge_browsers(step)
        phone, user = step.arguments.get("phone"), step.arguments.get("user")
        if not isinstance(phone, str):
            return
        if step.verb not in ("new_phone", "clone_phone") and not any(
            name == phone for _, name in self._phones
        ):
            self._add(
                step, f"there is no phone {phone} before this step: new_phone or clone_phone gives it later"
            )
        elif step.verb == "read_code" and not any(
            name == phone and user in (None, owner) for owner, name in self._keyed
        ):
            self._add(step, f"no step before this one puts a key into the phone {phone}, so it shows no code")

    def _judge_time(self, step: Step) -> None:
        value = step.arguments.get(VALUE)
        if not isinstance(value, TimePoint) or value.anchor != "instant":
            return
        if value.shift < self._now:
            at, now = clock_text(value.shift), clock_text(self._now)
            self._add(step, f"that moment has passed: it is {at}, and this step begins at {now} or later")

    def _judge_codes(self, step: Step) -> None:
        for key in CODES:
            name = step.arguments.get(key)
            if name in self._codes_to_come and name not in self._codes:
                line = self._codes_to_come[name]
                self._add(step, f"the code {name} is read only in line {line}, after this step")

    def _judge_browsers(self, step: Step) -> None:
        source = step.arguments.get("from")
        if isinstance(source, str) and step.verb != "rename_account":
            self._needs(step, source, "takes something from")
        browser = step.arguments.get("browser")
        if step.verb in GOING_ON and isinstance(browser, str):
            self._needs(step, browser, GOING_ON[step.verb])

    def _needs(self, step: Step, browser: str, what: str) -> None:
        name = browser.partition("/")[0]
        if name not in self._browsers:
            meant = did_you_mean(name, self._browsers)
            message = f"{step.verb} {what} the browser {name}, which no step before this one uses.{meant}"
            self._add(step, message, rule="unknown-name" if meant else "never-works")

    def _note(self, step: Step) -> None:
        browser = step.arguments.get("browser")
        if isinstance(browser, str):
            self._browsers.setdefault(browser.partition("/")[0])
        user, phone, copy = (str(step.arguments.get(key)) for key in ("user", "phone", "as"))
        if step.verb == "read_code":
            self._codes.add(copy)
        elif step.verb == "new_phone":
            self._phones.add((user, phone))
        elif step.verb == "clone_phone":
            self._phones.add((user, copy))
            self._keyed.add((user, copy))
        elif step.verb in KEYS:
            self._keyed.add((user, phone))
        elif step.verb == "wait" and isinstance(step.arguments.get(VALUE), int):
            self._now += step[VALUE]
        elif isinstance(value := step.arguments.get(VALUE), TimePoint) and value.anchor == "instant":
            self._now = max(self._now, value.shift)

    def _judge_names(self) -> None:
        """A browser that is named once, and almost as another one, is most likely the other one."""
        declared = set(self._scenario.browsers)
        uses = Counter(name for name, _ in self._uses())
        known: dict[
            str, list[str]
        ] = {}  # by what is left of a name without one letter, so that few are compared
        for other in uses:
            if uses[other] > 1 or other in declared:
                for rest in _without_a_letter(other):
                    known.setdefault(rest, []).append(other)
        for name, step in self._uses():
            if uses[name] == 1 and name not in declared:
                near = dict.fromkeys(
                    other for rest in _without_a_letter(name) for other in known.get(rest, ())
                )
                alike = next((other for other in near if other != name and _is_slip(name, other)), None)
                if alike is not None:
                    self._add(
                        step,
                        f'the browser "{name}" is named only here. Did you mean "{alike}"? If it is another one,'
                        f" say so at the top of the file: browsers: {{{name}: }}",
                        rule="unknown-name",
                    )

    def _uses(self) -> Iterator[tuple[str, Step]]:
        for step in self._scenario.every_step():
            for key in ("browser", "from"):
                browser = step.arguments.get(key) if step.verb != "rename_account" else None
                if isinstance(browser, str):
                    yield browser.partition("/")[0], step

    def _add(self, step: Step, message: str, *, rule: str = "never-works") -> None:
        self._problems.add(step.position, message, rule)


def _without_a_letter(name: str) -> set[str]:
    """Return a name, and what is left of it without each letter: two that differ by a slip have one in common."""
    return (
        {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))} if len(name) <= NAME_MAX else {name}
    )


def _is_slip(word: str, meant: str) -> bool:
    """Return whether a word is another one with one letter wrong, missing, too many, or two letters turned around."""
    if min(len(word), len(meant)) < ALIKE_MIN or abs(len(word) - len(meant)) > 1:
        return False
    at = next(
        (at for at, (a, b) in enumerate(zip(word, meant, strict=False)) if a != b), min(len(word), len(meant))
    )
    rest, meant_rest = word[at:], meant[at:]
    turned = rest[:2] == meant_rest[:2][::-1] and rest[2:] == meant_rest[2:]
    is_slip = turned or rest[1:] == meant_rest[1:] or rest[1:] == meant_rest or rest == meant_rest[1:]
    return is_slip and _are_letters(rest[:1] + meant_rest[:1])


def _are_letters(letters: Iterable[str]) -> bool:
    """laptop1 and laptop2 are two browsers: only letters are slips."""
    return all(letter.isalpha() for letter in letters)
