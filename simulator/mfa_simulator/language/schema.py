"""The JSON Schema of scenario files, for editors: made of the tables that the parser reads by.

It says of each value alone what the parser says. What depends on other places of the file, such as the name of a
user, the parser alone knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from mfa_simulator.language.document import texts_of
from mfa_simulator.language.format import kinds, values
from mfa_simulator.language.format.examples import EXAMPLES
from mfa_simulator.language.format.kinds import Schema, schema_of
from mfa_simulator.language.format.outcomes import ALL
from mfa_simulator.language.format.tables import ALWAYS, BROWSERS, EXPECT, NETWORK, PORTAL, TOP, USER
from mfa_simulator.language.format.verbs import TOGETHER, VERBS, Verb
from mfa_simulator.language.policy_settings import SETTINGS_SCHEMA
from mfa_simulator.language.steps import ALONE, REPEAT, TIMES, USE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
STEPS: Schema = {"type": "array", "items": {"$ref": "#/$defs/step"}}


def scenario_schema() -> Schema:
    """Give the schema of a file, for documents as YAML 1.2 reads them (codes and durations may be numbers or texts)."""
    values = _top_values()
    return {
        "$schema": DIALECT,
        "title": "Scenario of wsgi-mfa",
        "description": "What happens to people, phones, clocks and a support desk, replayed in virtual time.",
        "type": "object",
        "properties": {name: {**values[name], "description": about} for name, about in TOP.items()},
        "required": ["scenario", "steps"],
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
        "$defs": {
            "step": _step(),
            "expect": {**schema_of(EXPECT), "description": "What the step must come to."},
            "network": {
                **schema_of(NETWORK),
                "description": "What the network does to the deciding request.",
            },
        },
    }


def _top_values() -> dict[str, Schema]:
    return {
        "scenario": values.TEXT.schema,
        "about": values.TEXT.schema,
        "tags": values.NAMES.schema,
        "start": {**values.START.schema, "default": "2026-01-01T00:00:00Z"},
        "seed": {**kinds.whole(0).schema, "default": 0},
        "policy": SETTINGS_SCHEMA,
        "users": {"type": ["object", "null"], "additionalProperties": schema_of(USER)},
        "network": schema_of(NETWORK),
        "browsers": BROWSERS.schema,
        "portal": PORTAL.schema,
        "workers": {**kinds.whole(1, 64).schema, "default": 1},
        "programs": {**values.TICK.schema, "default": False},
        "include": values.NAMES.schema,
        "blocks": {"type": "object", "additionalProperties": STEPS},
        "matrix": _matrix(),
        "always": ALWAYS.schema,
        "steps": {**STEPS, "minItems": 1},
        "finally": STEPS,
    }


def _matrix() -> Schema:
    rows = {"type": "array", "items": {"type": "object"}}
    return {
        "type": "object",
        "properties": {
            "include": {**rows, "description": "Rows beside the combinations."},
            "exclude": {**rows, "description": "Which combinations are left out."},
        },
        "patternProperties": {rf"^(?:{'|'.join(TOP)})(?:\..+)?$": {"type": "array", "minItems": 1}},
        "additionalProperties": False,
    }


def _step() -> Schema:
    """Give the schema of a step: exactly one verb, and beside it only what that verb takes."""
    properties = {verb.name: _arguments(verb) for verb in VERBS}
    return {
        "type": "object",
        "properties": {
            **properties,
            USE: {
                "anyOf": [values.TEXT.schema, {"type": "object", "required": ["block"]}],
                "description": "Put the steps of a block here, with values for its parameters.",
            },
            REPEAT: {
                "type": "object",
                "properties": {"times": TIMES.kind.schema, "steps": {**STEPS, "minItems": 1}},
                "required": ["times", "steps"],
                "additionalProperties": False,
                "description": "Play steps several times.",
            },
            "expect": {"$ref": "#/$defs/expect"},
            "network": {"$ref": "#/$defs/network"},
        },
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in (*properties, USE, REPEAT)],
        "allOf": list(_limits()),
    }


def _limits() -> Iterable[Schema]:
    """Give what verbs allow beside them, one rule for all verbs that are alike."""
    yield _when([USE, REPEAT, *(verb.name for verb in VERBS if not verb.answers)], {"expect": False})
    yield _when([USE, REPEAT, *(verb.name for verb in VERBS if not verb.sends)], {"network": False})
    for answers in dict.fromkeys(verb.answers for verb in VERBS if verb.answers not in ((), ALL)):
        outcome = kinds.one_or_many(kinds.choice("OUTCOME", answers)).schema
        yield _when(
            [verb.name for verb in VERBS if verb.answers == answers],
            {"expect": {"properties": {"outcome": outcome}}},
        )


def _when(verbs: list[str], properties: Schema) -> Schema:
    return {"if": {"anyOf": [{"required": [verb]} for verb in verbs]}, "then": {"properties": properties}}


def _arguments(verb: Verb) -> Schema:
    notes = {"description": verb.about, "examples": [_example(verb)]}
    if verb.scalar is not None:
        return {**verb.scalar.schema, **notes}
    if verb.name == "change_policy":
        return {**SETTINGS_SCHEMA, **notes}
    if verb.name == TOGETHER:
        alone = {"anyOf": [{"required": [name]} for name in (*ALONE, TOGETHER)]}
        member = {"allOf": [{"$ref": "#/$defs/step"}, {"not": alone}]}
        return {"type": "array", "items": member, "minItems": 1, **notes}
    schema = schema_of(verb.keys)
    if verb.rules:
        one_each = [{"oneOf": [{"required": [name]} for name in rule.names]} for rule in verb.rules]
        return {**schema, **notes, "allOf": one_each}
    return {**schema, **notes} if "required" in schema else {**schema, "type": ["object", "null"], **notes}


def _example(verb: Verb) -> Any:  # noqa: ANN401  # a verb takes a text, a mapping or a list
    """Give what stands behind the verb in its example, every value as text."""
    steps = texts_of(EXAMPLES[verb.name])
    return next(step[verb.name] for step in reversed(steps) if verb.name in step)


def schema_text() -> str:
    """Give the schema as the text of the file that is shipped, `mfa-scenario.schema.json`."""
    return json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n"
