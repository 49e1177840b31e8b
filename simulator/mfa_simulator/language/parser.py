"""From the text of a scenario file to scenarios, or to a list of everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language import document, matrix
from mfa_simulator.language.crowds import members
from mfa_simulator.language.document import Mapping, Node, Scalar, Sequence
from mfa_simulator.language.format import kinds, values
from mfa_simulator.language.format.kinds import Reading, read_keys
from mfa_simulator.language.format.tables import ALWAYS, BROWSERS, NETWORK, PORTAL, TOP, USER
from mfa_simulator.language.format.verbs import BY_NAME
from mfa_simulator.language.order import judge_order
from mfa_simulator.language.policy_settings import SETTINGS_SCHEMA, read_policy
from mfa_simulator.language.scenario import (
    START,
    BrowserSpec,
    ClockSetting,
    NetworkSpec,
    PortalSpec,
    Scenario,
    UserSpec,
)
from mfa_simulator.language.shared_parts import filled, with_included
from mfa_simulator.language.steps import USE, StepReader, block_of
from mfa_simulator.problems import Position, Problem, Problems, did_you_mean

#: Keys that begin so hold what the file refers to by anchors, and are not read.
APART = "x-"
NETWORK_KIND = kinds.mapping_of(NETWORK, "network")


def read_file(path: Path, *, shown_as: str | None = None) -> list[Scenario]:
    """Read one scenario file; a matrix makes several scenarios of it.

    `shown_as` is the path that is told to people. Raises ScenarioFileError with all its problems.
    """
    file = shown_as or str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        place = Position(line=1, column=1)
        problem = Problem(
            file=file,
            position=place,
            message=f"the file cannot be read: {reason}",
            rule="unreadable-file",
        )
        raise ScenarioFileError([problem]) from error
    return parse(text, file=file)


def parse(text: str, *, file: str) -> list[Scenario]:
    """Read the text of a scenario file; raises ScenarioFileError with all problems, by line and column."""
    problems = Problems(file=file, lines=text.splitlines())
    return read_document(document.compose(text, problems), problems)


def read_document(root: Node | None, problems: Problems, *, is_whole: bool = True) -> list[Scenario]:
    """Read a document that was composed; raises ScenarioFileError with all that was noted as a problem.

    Of one that is not whole, as a story is that is told step by step, the order of the steps is not judged.
    """
    scenarios: list[Scenario] = []
    if isinstance(root, Mapping):
        root = with_included(root, problems)
        scenarios = [
            _Row(document, problems).scenario(label, is_whole=is_whole)
            for label, document in matrix.rows(root, problems)
        ]
    elif root is not None:
        problems.add(
            root.position, "a scenario file is a mapping that begins with `scenario:`", "wrong-shape"
        )
    if problems.found:
        raise ScenarioFileError(problems.in_order())
    return scenarios


class _Row:
    """Reads one document, a file without its matrix."""

    def __init__(self, root: Mapping, problems: Problems) -> None:
        self._root = root
        self._problems = problems

    def scenario(self, label: str, *, is_whole: bool) -> Scenario:
        for name, _ in self._root:
            if name.text not in TOP and not name.text.startswith(APART):
                hint = did_you_mean(name.text, TOP)
                message = (
                    f'no key "{name.text}" at the top of a scenario; the keys are: {", ".join(TOP)}.{hint}'
                )
                self._problems.add(name.position, message, "unknown-key")
        workers = self._value("workers", kinds.whole(1, 64), 1)
        plain = Reading(problems=self._problems, workers=workers)
        crowds: dict[str, int] = {}
        users = tuple(self._users(plain, crowds))
        reading = Reading(
            problems=self._problems,
            users=frozenset({*crowds, *(user.name for user in users)}),
            phones=frozenset(phone for user in users for phone in user.phones)
            | self._names({"new_phone": "phone", "clone_phone": "as"}),
            codes=self._names({"read_code": "as"}),
            workers=workers,
        )
        policy = self._policy(reading)
        reader = StepReader(reading, self._blocks(), policy, crowds)
        scenario = Scenario(
            file=self._problems.file,
            title=self._title(),
            line=next((name.position.line for name, _ in self._root if name.text == "scenario"), 1),
            about=self._value("about", values.TEXT, ""),
            tags=self._value("tags", values.NAMES, ()),
            row=label,
            start=self._value("start", values.START, START),
            seed=self._value("seed", kinds.whole(0), 0),
            policy=policy,
            users=users,
            network=NetworkSpec(**self._value("network", NETWORK_KIND, {})),
            workers=workers,
            programs=self._value("programs", values.TICK, False),
            browsers={
                name: BrowserSpec(**_given(browser))
                for name, browser in self._value("browsers", BROWSERS, {}).items()
            },
            portal=PortalSpec(**_given(self._value("portal", PORTAL, {}))),
            steps=reader.read(self._steps("steps", required=True)),
            finally_steps=reader.read(self._steps("finally", required=False)),
            off=self._value("always", ALWAYS, frozenset()),
        )
        if is_whole and not self._problems.found:
            judge_order(scenario, self._problems)
        return scenario

    def _value(self, key: str, kind: kinds.Kind, default: Any) -> Any:  # noqa: ANN401  # each kind has its own type
        node = self._root.get(key)
        if node is None:
            return default
        value = Reading(problems=self._problems).attempt(kind, node)
        return default if value is None else value

    def _title(self) -> str:
        if self._root.get("scenario") is None:
            self._problems.add(
                self._root.position,
                "a scenario needs the key `scenario`, its title in one sentence",
                "missing-key",
            )
        title: str = self._value("scenario", values.TITLE, "")
        return title

    def _policy(self, reading: Reading) -> dict[str, Any]:
        node = self._root.get("policy")
        if node is None:
            return {}
        kind = kinds.Kind(
            name="policy",
            read=lambda value, context: read_policy(value, context, {}),
            schema=SETTINGS_SCHEMA,
        )
        return reading.attempt(kind, node) or {}

    def _users(self, reading: Reading, crowds: dict[str, int]) -> Iterator[UserSpec]:
        """Yield the users; the size of each crowd is noted in `crowds`."""
        node = self._root.get("users")
        if node is None or (isinstance(node, Scalar) and node.is_nothing):
            return
        if not isinstance(node, Mapping):
            self._problems.add(node.position, "users is a mapping of names to users", "wrong-shape")
            return
        table = {key.name: key for key in USER}
        for name, value in node:
            if not isinstance(value, Mapping):
                self._problems.add(
                    value.position,
                    f'the user "{name.text}" is a mapping of {", ".join(table)}',
                    "wrong-shape",
                )
                continue
            found = read_keys(value, table, reading, f'the user "{name.text}"')
            phones = {
                phone: ClockSetting(**_given(clock)) for phone, clock in (found.get("phones") or {}).items()
            }
            user = UserSpec(
                name=name.text,
                password=found.get("password") or "",
                email=found.get("email"),
                groups=found.get("groups") or (),
                phones=phones,
            )
            count = found.get("count")
            if count is not None:
                crowds[user.name] = count
            yield from members(user, count, self._value("seed", kinds.whole(0), 0))

    def _steps(self, key: str, *, required: bool) -> tuple[Node, ...]:
        node = self._root.get(key)
        if node is None:
            if required:
                self._problems.add(self._root.position, "a scenario needs the key `steps`", "missing-key")
            return ()
        if not isinstance(node, Sequence):
            self._problems.add(
                node.position, f"{key} is a list of steps, each beginning with -", "wrong-shape"
            )
            return ()
        if not node.items and required:
            self._problems.add(
                node.position, "steps is empty: a scenario without a step shows nothing", "wrong-value"
            )
        return node.items

    def _blocks(self) -> dict[str, tuple[Node, ...]]:
        node = self._root.get("blocks")
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            self._problems.add(node.position, "blocks is a mapping of names to lists of steps", "wrong-shape")
            return {}
        for name, value in node:
            if not isinstance(value, Sequence):
                self._problems.add(
                    value.position,
                    f'the block "{name.text}" is a list of steps, each beginning with -',
                    "wrong-shape",
                )
        return {name.text: value.items for name, value in node if isinstance(value, Sequence)}

    def _all_entries(self) -> Iterator[tuple[Scalar, Node]]:
        """Give the entries of all mappings, those of blocks with the values of their parameters too."""
        blocks = self._root.get("blocks")
        for name, value in _entries(self._root):
            yield name, value
            if name.text == USE and isinstance(value, Mapping) and isinstance(blocks, Mapping):
                block, values = block_of(value)
                steps = blocks.get(block)
                if steps is not None:
                    yield from _entries(filled(steps, values))

    def _names(self, givers: dict[str, str]) -> frozenset[str]:
        """Find the names that steps anywhere in the file give: `givers` says by which argument of which verb."""
        found = set()
        for verb, arguments in self._all_entries():
            if verb.text not in givers or not isinstance(arguments, Mapping):
                continue
            argument = givers[verb.text]
            name = arguments.get(argument)
            default = next(key.default for key in BY_NAME[verb.text].keys if key.name == argument)
            found.add(name.text if isinstance(name, Scalar) else default)
        return frozenset(name for name in found if name is not None)


def _entries(node: Node) -> Iterator[tuple[Scalar, Node]]:
    if isinstance(node, Mapping):
        for name, value in node:
            yield name, value
            yield from _entries(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _entries(item)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
