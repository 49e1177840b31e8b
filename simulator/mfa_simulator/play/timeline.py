"""The timeline of a run as plain text, the same byte for byte for the same file and seed."""

from __future__ import annotations

from collections.abc import Iterator

from mfa_simulator.language.format.verbs import VALUE
from mfa_simulator.language.quantities import SECOND, TimePoint, clock_text, duration_text
from mfa_simulator.language.scenario import Step
from mfa_simulator.play.running import Play, PlayedStep
from mfa_simulator.problems import Position
from mfa_simulator.visible_text import visible
from mfa_simulator.world.http import CLIENT_ADDRESS

#: Of many requests of one step so many are shown at its begin and at its end.
SHOWN = 10
VERDICTS = {"passed": "passed", "failed": "FAILED", "broken": "BROKEN", "error": "ERROR"}
HEADINGS = ("time (UTC)", "in step", "phone", "who", "what", "outcome")


def timeline(play: Play) -> str:
    """Give the whole timeline of a scenario, with what failed below the line that failed."""
    scenario = play.scenario
    row = visible(f" [{scenario.row}]") if scenario.row else ""
    rows = [cells_of(line) for line in play.moments]
    widths = [max(len(cells[column]) for cells in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    heads = [f"{visible(scenario.title)}{row}", f"  {visible(scenario.file)}, seed {scenario.seed}"]
    text = [*heads, _aligned(HEADINGS, widths)]
    for line, cells in zip(play.moments, rows, strict=True):
        text.append(_aligned(cells, widths))
        text += failure(play, line)
    return "\n".join([*text, *crash_text(play), *play.state])


def crash_text(play: Play) -> list[str]:
    """Give what ended a story unexpectedly: at which line of the file, and where in the code."""
    crash = play.crash
    if crash is None:
        return []
    calls = () if crash.is_portal else crash.calls
    return [
        f"    ERROR {visible(play.scenario.file)}:{crash.line}: {visible(crash.words)}",
        *(f"      {visible(call)}" for call in calls),
    ]


def failure(play: Play, line: PlayedStep) -> list[str]:
    """Give what failed in a step: at which line of the file, what was expected or broken, and what was sent."""
    if not line.failures and not line.broken:
        return []
    file = visible(play.scenario.file)
    text = [f"    FAILED {file}:{place_of(line).line}: {visible(difference)}" for difference in line.failures]
    for broken in line.broken:
        first, *others = map(visible, broken.lines)
        text.append(f"    BROKEN {file}:{line.step.position.line}: {first}")
        text += [f"      {words}" for words in others]
    sent = (exchange.summary for exchange in line.exchanges)
    shown = _few([*sent, *line.found.remarks], line.left_out)
    return text + [f"      {visible(words)}" for words in (*line.why, *shown)]


def _few(lines: list[str], left_out: int) -> list[str]:
    """Give the first and the last of many lines, and between them how many there are more."""
    if len(lines) <= 2 * SHOWN and not left_out:
        return lines
    between = max(0, len(lines) - 2 * SHOWN) + left_out
    return [*lines[:SHOWN], f"... {between} more", *lines[-SHOWN:]]


def first_failure(play: Play) -> tuple[Position, str]:
    """Give where and what failed first in a play that failed."""
    failed = any(line.failures or line.broken for line in play.moments)
    if play.crash is not None and not failed:
        return Position(line=play.crash.line, column=1), f"error: {play.crash.words}"
    line = next(line for line in play.moments if line.failures or line.broken)
    if line.failures:
        return place_of(line), line.failures[0]
    return line.step.position, line.broken[0].lines[0]


def place_of(line: PlayedStep) -> Position:
    """What was expected stands in its own place; what was not written is a matter of the verb."""
    return line.step.expect.position if line.step.expect is not None else line.step.position


def verdict(play: Play) -> str:
    """Give one line for a scenario."""
    row = f" [{play.scenario.row}]" if play.scenario.row else ""
    word = VERDICTS[verdict_of(play)]
    return f"{word}  {visible(f'{play.scenario.file}{row}')}  {visible(play.scenario.title)}"


def verdict_of(play: Play) -> str:
    """Give `passed`, `failed`, `broken` or `error`; what nobody expected at all weighs most."""
    if play.crash is not None:
        return "error"
    return "broken" if play.broken else "failed" if play.failed else "passed"


def cells_of(line: PlayedStep) -> tuple[str, ...]:
    """Give what stands below each of the headings."""
    phone = "" if line.phone_error is None else duration_text(_to_milliseconds(line.phone_error))
    return (
        clock_text(line.at),
        f"{line.into_step // SECOND:02d}.{line.into_step % SECOND // 1000:03d}s",
        phone,
        visible(line.actor),
        visible(" ".join(_words(line.step))),
        ", ".join(_outcome(line)) or "-",
    )


def _to_milliseconds(span: int) -> int:
    return span // 1000 * 1000


def _words(step: Step) -> Iterator[str]:
    yield step.verb
    value = step.arguments.get(VALUE)
    if isinstance(value, TimePoint):
        shift = duration_text(value.shift)
        yield (
            clock_text(value.shift)
            if value.anchor == "instant"
            else f"{value.anchor}{'' if shift[0] == '-' else '+'}{shift}"
        )
    elif isinstance(value, int):
        yield duration_text(value)
    elif value is not None:
        yield ", ".join(f"{name} {_plain(setting)}" for name, setting in value.items())
    yield from _arguments(step)
    if step.network:
        yield (
            "(network: "
            + ", ".join(f"{name} {_setting(name, value)}" for name, value in step.network.items())
            + ")"
        )


def _arguments(step: Step) -> Iterator[str]:
    """Give the arguments that say what a step is about, but for the names of who acts."""
    given = {name: value for name, value in step.arguments.items() if value is not None}
    for name in ("code", "among"):
        # A code by its name; one that is written out does not stand in a timeline.
        if given.get(name) == "current" or not str(given.get(name)).isidentifier():
            given.pop(name, None)
    if isinstance(given.get("from"), tuple):
        given["from"] = " and ".join(given["from"]) if given["from"] != (CLIENT_ADDRESS,) else None
    for name in ("program", "worker", "code", "among", "from", "path", "email", "as"):
        if given.get(name) is not None:
            yield str(given[name]) if name in ("program", "path", "email", "as") else f"{name} {given[name]}"
    for name in ("offset", "jump", "wrong_zone", "for"):
        if name in given:
            yield f"{name} {duration_text(given[name])}"
    if "drift_ppm" in given:
        yield f"drift {given['drift_ppm']} ppm"
    for name in ("synchronise", "wrong", "manual"):
        if given.get(name):
            yield name
    if given.get("save") is False:
        yield "without saving"
    if "calls" in given:
        yield f"{given['calls']} calls"
    if step.verb == "store_fails":
        yield f"{given['when']} the commit"
    if given.get("times", 1) > 1:
        yield f"{given['times']} times"
    if given.get("parallel", 1) > 1:
        yield f"{given['parallel']} at once"


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _setting(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "cut":
        return "half" if value == -1 else f"after {value} bytes"
    return duration_text(value) if isinstance(value, int) else str(value)


def _outcome(line: PlayedStep) -> Iterator[str]:
    found = line.found
    if found.outcome is not None:
        yield found.outcome
    if found.hint is not None:
        yield f"hint {found.hint}"
    if found.recovery_code_shown:
        yield "a recovery code shown"
    if found.evaluated > 1:
        yield f"{found.evaluated} evaluated"
    if found.retry_after_seconds is not None:
        yield f"retry after {found.retry_after_seconds}s"


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
