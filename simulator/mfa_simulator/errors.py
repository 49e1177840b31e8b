"""The errors of the simulator, all under one root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mfa_simulator.problems import Problem


class SimulatorError(Exception):
    """The root of everything that the simulator raises itself."""


class ScenarioFileError(SimulatorError):
    """A scenario file does not follow the format.

    `problems` holds everything that was found in the file, in the order of its lines.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class StepError(SimulatorError):
    """A step cannot be played at all, because the story so far does not allow it."""


class PortalError(SimulatorError):
    """The portal that stories shall be played around cannot be made."""


class StoryError(SimulatorError):
    """A step of a story told from Python cannot be understood, or came to something else than it must."""


class DirectoryDownError(ConnectionError):
    """The portal's directory cannot be asked, as the scenario wants it; no error of the simulator."""


class RequestTimeoutError(SimulatorError):
    """The browser gave up: no reply came within its time limit."""
