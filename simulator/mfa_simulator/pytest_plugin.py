"""The pytest plugin: scenario files as tests, and the world of a story for tests in Python.

It is imported in every session of everybody who has the simulator installed, so whatever costs time is imported only
once a scenario file or the fixture `mfa_sim` asks for it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from mfa_simulator.language.scenario import Scenario
    from mfa_simulator.play.running import Play
    from mfa_simulator.story import Story

SUFFIX = ".mfa.yaml"
#: Of real time without progress; a plugin that uses the timer itself ends a test in its own way.
TIMEOUT_SECONDS = 30.0
EXTRA = "install wsgi-mfa[simulator]"
# Marks that pytest itself gives a meaning that needs arguments; `skip` and `xfail` need none, and keep theirs.
NOT_TAGS = frozenset({"filterwarnings", "parametrize", "skipif", "usefixtures"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the configuration file name the portal."""
    about = (
        "MODULE:FACTORY of the portal that scenarios are played around; the fixture mfa_sim_app wins over it"
    )
    parser.addini("mfa_sim_app", about, default="")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a scenario file."""
    return ScenarioFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None


@pytest.fixture
def mfa_sim_app(pytestconfig: pytest.Config) -> Any:  # noqa: ANN401  # whoever overrides it may give a text or a factory
    """The portal that scenarios and stories are played around: a factory, or `MODULE:FACTORY` as text.

    Override it in a conftest.py to make a portal out of other fixtures. By default it is what the configuration says.
    """
    return pytestconfig.getini("mfa_sim_app")


@pytest.fixture
def mfa_sim(request: pytest.FixtureRequest, mfa_sim_app: Any) -> Iterator[Story]:  # noqa: ANN401  # as above
    """A story to be told step by step: `mfa_sim.begin(users=...)`, then the verbs of scenario files as methods.

    From its beginning to the end of the test the whole process sees virtual time.
    """
    try:
        from mfa_simulator.story import Story
    except ModuleNotFoundError as error:
        pytest.fail(f"the fixture mfa_sim needs {error.name}: {EXTRA}", pytrace=False)
    with Story(request.node.name, file=request.path.name, app=mfa_sim_app or None) as story:
        yield story


class ScenarioFailed(Exception):  # noqa: N818  # a verdict that pytest prints by its name
    """A story came to something else than expected; `play` is all that happened."""

    def __init__(self, play: Play) -> None:
        super().__init__(play.scenario.title)
        self.play = play


class ScenarioFile(pytest.Module):
    """One scenario file: an item for its scenario, or for each row of its matrix.

    A module, as pytest's own text files are, so that fixtures of every scope may be asked for.
    """

    obj = None

    def collect(self) -> Iterator[ScenarioItem]:
        """Read the file; raises pytest's CollectError with all that is wrong in it."""
        try:
            from mfa_simulator.errors import ScenarioFileError
            from mfa_simulator.language.parser import read_file
        except ModuleNotFoundError as error:
            raise self.CollectError(f"{self.path.name}: scenario files need {error.name}: {EXTRA}") from error
        try:
            scenarios = read_file(self.path, shown_as=self._shown_path())
        except ScenarioFileError as error:
            told = "\n".join(f"{problem}\n{problem.picture}" for problem in error.problems)
            raise self.CollectError(told) from error
        for scenario in scenarios:
            item = ScenarioItem.from_parent(
                self, name=_name(scenario), callobj=_as_function(scenario), scenario=scenario
            )
            for mark in map(_mark_of, scenario.tags):
                if mark and mark not in NOT_TAGS:
                    # Tags need no registration of their own under --strict-markers: the file is where they are made.
                    self.config.addinivalue_line("markers", f"{mark}: scenarios with this tag")
                    item.add_marker(mark)
            yield item

    def _shown_path(self) -> str:
        """Give the path as pytest shows others: from where it was started, where that is above the file."""
        start = self.config.invocation_params.dir
        return str(self.path.relative_to(start)) if self.path.is_relative_to(start) else str(self.path)


class ScenarioItem(pytest.Function):
    """One scenario as a test; a function, so that it may have fixtures."""

    def __init__(self, *, scenario: Scenario, **others: object) -> None:
        super().__init__(**others)  # type: ignore[arg-type]  # what from_parent hands on to a function
        self.scenario = scenario

    def reportinfo(self) -> tuple[Path, int, str]:
        """Give the place of the scenario; pytest counts lines from zero."""
        return self.path, self.scenario.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401  # pytest's types are not public
        """Give the timeline with what failed in it, at the line of the file where it did."""
        from mfa_simulator.errors import PortalError

        if isinstance(excinfo.value, PortalError):
            return f"mfa_sim_app: {excinfo.value}"
        if style is not None or not isinstance(excinfo.value, ScenarioFailed):
            return super().repr_failure(excinfo)
        from mfa_simulator.play.timeline import first_failure, timeline

        excinfo.value.args = (timeline(excinfo.value.play),)
        shown = excinfo.getrepr(style="value", chain=False)
        place, difference = first_failure(excinfo.value.play)
        if shown.reprcrash is not None:
            shown.reprcrash.path, shown.reprcrash.lineno = str(self.path), place.line
            shown.reprcrash.message = difference
        return shown


def _name(scenario: Scenario) -> str:
    """A title is a good name but for what separates names on pytest's command line."""
    title = " ".join(scenario.title.replace("::", ":").split())
    return f"{title} [{scenario.row}]" if scenario.row else title


def _mark_of(tag: str) -> str:
    return re.sub(r"[^\w-]+", "_", tag).strip("_")


class _Passing(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger().handle(record)


@contextmanager
def _only_warnings(name: str) -> Iterator[None]:
    """Let pytest capture what a logger warns of, and not each line of the audit log: the timeline has the story."""
    logger, passing, propagates = (
        logging.getLogger(name),
        _Passing(logging.WARNING),
        logging.getLogger(name).propagate,
    )
    logger.addHandler(passing)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = propagates
        logger.removeHandler(passing)


def _as_function(scenario: Scenario) -> Callable[[Any], None]:
    def play_scenario(mfa_sim_app: Any) -> None:  # noqa: ANN401  # as the fixture gives it
        from mfa_simulator.errors import PortalError
        from mfa_simulator.play.running import play
        from mfa_simulator.world.clocks import frozen_wall_clock
        from mfa_simulator.world.portal import factory_of

        with _only_warnings("wsgi_mfa"), frozen_wall_clock(scenario.start) as wall:
            factory = factory_of(mfa_sim_app or None)
            played = play(scenario, wall, factory=factory, timeout_seconds=TIMEOUT_SECONDS)
        if played.crash is not None and played.crash.is_portal:
            raise PortalError(played.crash.message)
        if played.failed:
            raise ScenarioFailed(played)

    return play_scenario
