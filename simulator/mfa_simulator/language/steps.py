"""Reads the steps of a scenario by the table of verbs."""

from __future__ import annotations

from collections.abc import Mapping as Settings
from typing import Any

from mfa_simulator.language.crowds import steps_of
from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.language.format import kinds
from mfa_simulator.language.format.kinds import Key, Reading
from mfa_simulator.language.format.tables import EXPECT, NETWORK, STEP
from mfa_simulator.language.format.verbs import BY_NAME, TOGETHER, VALUE, Rule, Verb
from mfa_simulator.language.policy_settings import SETTINGS_SCHEMA, read_policy
from mfa_simulator.language.scenario import Expectation, Step
from mfa_simulator.language.shared_parts import filled, parameters_in
from mfa_simulator.problems import Position, did_you_mean, meant_or_legal

USE, REPEAT = "use", "repeat"
STEPS_MAX = 20_000
ALONE = (
    *("wait_until", "restart", "rotate_keys", "change_policy", "server_clock"),
    *("store_fails", "stale_reads", "stall_worker", "end_worker"),
    *("restore_store", "end_portal_sessions"),
)
EXPECT_TABLE = {key.name: key for key in EXPECT}
NETWORK_TABLE = {key.name: key for key in NETWORK}


TIMES = Key(name="times", kind=kinds.whole(1, STEPS_MAX), required=True, about="how often")
ANYTHING = kinds.Kind(name="STEPS", read=lambda node, _: node, schema={"type": "array"})


def block_of(value: Node) -> tuple[str, dict[str, Node]]:
    """Give the name of the block that `use` is about, and the values of its parameters."""
    if isinstance(value, Scalar):
        return value.text, {}
    if not isinstance(value, Mapping):
        return "", {}
    name = value.get("block")
    values = {key.text: inner for key, inner in value if key.text != "block"}
    return (name.text if isinstance(name, Scalar) else ""), values


class StepReader:
    """Turns the nodes of steps into steps; blocks are put in where they are used."""

    def __init__(
        self,
        reading: Reading,
        blocks: dict[str, tuple[Node, ...]],
        policy: Settings[str, Any],
        crowds: Settings[str, int] | None = None,
    ) -> None:
        self._reading = reading
        self._blocks = blocks
        self._policy = policy
        self._crowds = crowds or {}
        self._count = 0

    def read(self, nodes: tuple[Node, ...], *, inside: tuple[str, ...] = ()) -> tuple[Step, ...]:
        """Read a list of steps; problems are noted and the steps that have them left out."""
        steps: list[Step] = []
        for node in nodes:
            self._count += 1
            if self._count > STEPS_MAX:
                self._problem(node.position, f"more than {STEPS_MAX} steps", "wrong-value")
                return ()
            if not isinstance(node, Mapping):
                self._problem(
                    node.position, "a step is a mapping with one verb, such as `- wait: 1m`", "wrong-shape"
                )
            elif node.get(USE) is not None:
                steps += self._block(node, inside)
            elif node.get(REPEAT) is not None:
                steps += self._repeated(node, inside)
            else:
                step = self._step(node)
                found = list(steps_of(step, self._crowds)) if step else []
                self._count += max(0, len(found) - 1)
                if self._count > STEPS_MAX:
                    self._problem(node.position, f"more than {STEPS_MAX} steps", "wrong-value")
                    return ()
                steps += found
        return tuple(steps)

    def _problem(self, position: Position, message: str, rule: str) -> None:
        self._reading.problems.add(position, message, rule)

    def _block(self, node: Mapping, inside: tuple[str, ...]) -> tuple[Step, ...]:
        (key, value), *others = node.entries
        if others or key.text != USE:
            self._problem(node.position, "a step with `use` has no other key", "one-verb")
            return ()
        name, values = block_of(value)
        if name not in self._blocks:
            there = ", ".join(self._blocks) or "none"
            self._problem(
                value.position,
                f'no block "{name}"; there is: {there}.{did_you_mean(name, self._blocks)}',
                "unknown-name",
            )
            return ()
        if name in inside:
            self._problem(value.position, f'the block "{name}" uses itself', "wrong-value")
            return ()
        needed = parameters_in(self._blocks[name])
        if set(needed) != set(values):
            missing = [f"needs {each}" for each in needed if each not in values]
            unknown = [f"has no {each}" for each in values if each not in needed]
            self._problem(value.position, f'the block "{name}" {", ".join(missing + unknown)}', "missing-key")
            return ()
        steps = tuple(filled(step, values) for step in self._blocks[name])
        return self.read(steps, inside=(*inside, name))

    def _repeated(self, node: Mapping, inside: tuple[str, ...]) -> tuple[Step, ...]:
        (key, value), *others = node.entries
        if others or key.text != REPEAT:
            self._problem(node.position, "a step with `repeat` has no other key", "one-verb")
            return ()
        steps = value.get("steps") if isinstance(value, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(steps, Sequence) or not steps.items:
            message = "repeat is a mapping of times and steps, such as {times: 3, steps: [wait: 1m]}"
            self._problem(value.position, message, "wrong-shape")
            return ()
        table = {"times": TIMES, "steps": Key(name="steps", kind=ANYTHING, required=True)}
        times = kinds.read_keys(value, table, self._reading, REPEAT).get("times")
        found: list[Step] = []
        for _ in range(times or 1):
            found += self.read(steps.items, inside=inside)
            if self._count > STEPS_MAX:
                break
        return tuple(found)

    def _step(self, node: Mapping) -> Step | None:
        verbs = []
        for key, value in node:
            if key.text in BY_NAME:
                verbs.append((key, value))
            elif key.text not in STEP:
                legal = [*BY_NAME, USE, REPEAT, *STEP]
                message = f'no verb "{key.text}".{meant_or_legal(key.text, legal, what="The keys of a step")}'
                self._problem(key.position, message, "unknown-verb")
                return None
        if len(verbs) != 1:
            found = ", ".join(key.text for key, _ in verbs) or "none"
            self._problem(node.position, f"a step has exactly one verb, and this one has {found}", "one-verb")
            return None
        ((key, value),) = verbs
        verb = BY_NAME[key.text]
        if verb.name == TOGETHER:
            return self._together(node, key, value)
        return Step(
            verb=verb.name,
            arguments=self._arguments(verb, key, value),
            position=key.position,
            expect=self._expectation(verb, node),
            network=self._network(verb, node),
        )

    def _together(self, node: Mapping, key: Scalar, value: Node) -> Step | None:
        if len(node.entries) > 1:
            self._problem(
                key.position,
                "a step with `together` has no other key: each step inside has its own `expect`",
                "one-verb",
            )
            return None
        if not isinstance(value, Sequence) or not value.items:
            self._problem(
                value.position, "together is a list of steps that happen at the same time", "wrong-shape"
            )
            return None
        steps = self.read(value.items)
        for step in steps:
            if step.verb in (*ALONE, TOGETHER):
                self._problem(
                    step.position, f"{step.verb} cannot happen at the same time as other steps", "one-verb"
                )
        return Step(verb=TOGETHER, arguments={}, position=key.position, steps=steps)

    def _arguments(self, verb: Verb, key: Scalar, value: Node) -> dict[str, Any]:
        if verb.scalar is not None:
            return {VALUE: self._reading.attempt(verb.scalar, value)}
        if verb.name == "change_policy":
            kind = kinds.Kind(
                name="policy",
                read=lambda node, reading: read_policy(node, reading, self._policy),
                schema=SETTINGS_SCHEMA,
            )
            return {VALUE: self._reading.attempt(kind, value) or {}}
        table = {entry.name: entry for entry in verb.keys}
        if isinstance(value, Scalar) and value.is_nothing:
            value = Mapping(position=value.position, entries=())
        if not isinstance(value, Mapping):
            self._problem(value.position, f"{verb.name} takes a mapping of {', '.join(table)}", "wrong-shape")
            return {}
        given = kinds.read_keys(value, table, self._reading, verb.name)
        for rule in verb.rules:
            self._check_rule(verb, rule, given, key)
        return {**{entry.name: entry.default for entry in verb.keys}, **given}

    def _check_rule(self, verb: Verb, rule: Rule, given: dict[str, Any], key: Scalar) -> None:
        found = [name for name in rule.names if name in given]
        if len(found) > 1:
            self._problem(
                key.position,
                f"{verb.name} takes only one of {', '.join(rule.names)}, and has {', '.join(found)}",
                "one-of",
            )
        elif not found:
            self._problem(key.position, f"{verb.name} needs one of {', '.join(rule.names)}", "one-of")

    def _expectation(self, verb: Verb, node: Mapping) -> Expectation | None:
        value = node.get("expect")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._problem(value.position, f"expect is a mapping of {', '.join(EXPECT_TABLE)}", "wrong-shape")
            return None
        if not verb.answers:
            self._problem(
                value.position,
                f"{verb.name} asks nobody, so nothing can be expected of it",
                "impossible-expectation",
            )
            return None
        found = kinds.read_keys(value, EXPECT_TABLE, self._reading, "expect")
        outcomes = found.get("outcome")
        for outcome in outcomes or ():
            if outcome not in verb.answers:
                legal = ", ".join(verb.answers)
                self._problem(
                    value.position,
                    f"{verb.name} cannot end in {outcome}; it can end in: {legal}",
                    "impossible-expectation",
                )
        return Expectation(
            position=value.position,
            outcomes=outcomes,
            hint=found.get("hint"),
            recovery_code=found.get("recovery_code"),
            app_called=found.get("app_called"),
            retry_after_seconds=found.get("retry_after"),
            evaluated=found.get("evaluated"),
            status=found.get("status"),
            page=found.get("page"),
            shows=found.get("shows") or (),
            hides=found.get("hides") or (),
            events=found.get("events"),
        )

    def _network(self, verb: Verb, node: Mapping) -> dict[str, Any]:
        value = node.get("network")
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self._problem(
                value.position, f"network is a mapping of {', '.join(NETWORK_TABLE)}", "wrong-shape"
            )
            return {}
        if not verb.sends:
            self._problem(
                value.position, f"{verb.name} sends no request, so the network cannot touch it", "one-verb"
            )
            return {}
        return kinds.read_keys(value, NETWORK_TABLE, self._reading, "network")
