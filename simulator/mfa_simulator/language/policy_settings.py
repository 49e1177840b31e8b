"""The `policy` of a scenario file: settings by the names of the middleware's own `Policy`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping as Settings
from typing import Any

from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.language.format.kinds import Reading, Schema, UnreadableError, text_of, yes_or_no
from mfa_simulator.problems import meant_or_legal
from wsgi_mfa import AccessRule, MfaError, Policy
from wsgi_mfa.errors import InvalidPolicyError

FIELDS = {entry.name: getattr(Policy(), entry.name) for entry in dataclasses.fields(Policy)}
RULE_MEMBERS = tuple(entry.name for entry in dataclasses.fields(AccessRule))
_RULE_SCHEMAS: dict[str, Schema] = {
    "methods": {"type": "array", "items": {"type": "string"}},
    "path": {"type": "string"},
    "user": {"type": "string"},
    "group": {"type": "string"},
    "second_factor": {"enum": [True, False, "yes", "no", "true", "false"]},
    "max_age_seconds": {"type": ["integer", "string"], "pattern": "^[0-9]+$"},
}
_BOUNDS = re.compile(r"(?:legal is )?(?P<low>\d+)(?: to (?P<high>\d+)| is the only legal value)")
_REQUIREMENT = re.compile(r" \[[^\]]*\]$")
_LEGAL_WORDS = re.compile(r"(\w+)(?:,|$)")


def _setting_schema(name: str, default: object) -> Schema:
    """Give a setting's schema; what is legal is asked of the middleware, which alone writes it down."""
    nothing_legal: dict[str, Any] = {name: object()}
    try:
        Policy(**nothing_legal)
    except InvalidPolicyError as error:
        legal = error.legal
    notes = {"description": f"{legal[:1].upper()}{legal[1:]}.", "default": default}
    if name == "rules":
        members = {member: _RULE_SCHEMAS[member] for member in RULE_MEMBERS}
        items = {"type": "object", "properties": members, "additionalProperties": False}
        return {"type": "array", "items": items, **notes, "default": []}
    if isinstance(default, tuple):
        return {"type": ["array", "string"], "items": {"type": "string"}, **notes, "default": [*default]}
    if name == "required_from":  # a word or an instant
        return {"type": "string", **notes}
    bounds = _BOUNDS.match(legal)
    if bounds is not None:
        low, high = int(bounds["low"]), int(bounds["high"] or bounds["low"])
        return {
            "type": ["integer", "string"],
            "minimum": low,
            "maximum": high,
            "pattern": "^[0-9]+$",
            **notes,
        }
    return {"enum": _LEGAL_WORDS.findall(legal.partition(" [")[0]), **notes}


SETTINGS_SCHEMA: Schema = {
    "type": ["object", "null"],
    "properties": {name: _setting_schema(name, default) for name, default in FIELDS.items()},
    "additionalProperties": False,
}


def read_policy(node: Node, reading: Reading, base: Settings[str, Any]) -> dict[str, Any]:
    """Read a mapping of settings; unknown ones, and values that `Policy` itself refuses, are noted as problems."""
    if isinstance(node, Scalar) and node.is_nothing:
        return {}
    if not isinstance(node, Mapping):
        raise UnreadableError(
            node.position, "policy is a mapping of settings, such as {steps_back: 1}", "wrong-shape"
        )
    settings: dict[str, Any] = {}
    for name, value in node:
        if name.text not in FIELDS:
            hint = meant_or_legal(name.text, FIELDS, what="The settings")
            reading.problems.add(name.position, f'policy has no setting "{name.text}".{hint}', "unknown-key")
            continue
        try:
            is_rules = name.text == "rules"
            settings[name.text] = _rules(value) if is_rules else _setting(value, FIELDS[name.text])
        except (UnreadableError, ValueError) as error:
            reading.problems.add(value.position, f"policy.{name.text}: {error}", "wrong-value")
    _refuse_illegal(node, settings, reading, base)
    return settings


def _rules(node: Node) -> tuple[dict[str, Any], ...]:
    """Read a list of access rules; the middleware says what is wrong with one."""
    if not isinstance(node, Sequence):
        raise UnreadableError(node.position, "rules are a list of mappings", "wrong-shape")
    return tuple(_rule(item) for item in node.items)


def _rule(node: Node) -> Any:  # noqa: ANN401  # a line of the old form goes to the middleware, which has it as a table
    if not isinstance(node, Mapping):
        return text_of(node, "a rule")
    rule: dict[str, Any] = {}
    for name, value in node:
        if isinstance(value, Sequence):
            rule[name.text] = tuple(text_of(item, "a text") for item in value.items)
            continue
        text = text_of(value, "a value")
        if name.text == "second_factor":
            rule[name.text] = yes_or_no(text)
        elif name.text == "max_age_seconds" and text.isdigit():
            rule[name.text] = int(text)
        else:
            rule[name.text] = text
    return rule


def _setting(node: Node, default: object) -> Any:  # noqa: ANN401  # as many types as Policy has
    if isinstance(default, tuple):
        items = node.items if isinstance(node, Sequence) else (node,)
        return tuple(text_of(item, "a text") for item in items)
    text = text_of(node, "a value")
    if isinstance(default, bool):
        return yes_or_no(text)
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError as error:
            raise ValueError(f'"{text}" is not a whole number') from error
    if default is None and text.isdigit():
        return int(text)
    return text


def _refuse_illegal(
    node: Mapping, settings: dict[str, Any], reading: Reading, base: Settings[str, Any]
) -> None:
    """Ask the middleware whether it takes the settings, so that its bounds are written down only there."""
    places = {name.text: value.position for name, value in node}
    asked = dict(settings)
    while message := _rejection({**base, **asked}):
        # It names one setting at a time, so the others are asked for without that one.
        named = next((name for name in asked if re.search(rf"\b{name}\b", message)), None)
        reading.problems.add(places[named] if named else node.position, message, "policy")
        if named is None:
            return
        del asked[named]


def _rejection(settings: Settings[str, Any]) -> str | None:
    try:
        Policy(**settings)
    except (MfaError, TypeError, ValueError) as error:
        return _REQUIREMENT.sub("", str(error))
    return None
