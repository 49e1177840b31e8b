"""What testers pay: the pytest plugin in a session without a scenario file, and the page of a run of 200 scenarios.

Run ``python benchmarks/testers.py``; it needs the package installed, since pytest finds the plugin by its entry point,
and Chromium for the time in which the page opens.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from harness import heading, line

from mfa_simulator.language.parser import read_file
from mfa_simulator.language.scenario import START
from mfa_simulator.play.running import play
from mfa_simulator.report.html_page import as_page
from mfa_simulator.report.trace import trace_of
from mfa_simulator.world.clocks import frozen_wall_clock

ROUNDS = 20
SCENARIOS = 200
FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "scenarios"


def session_milliseconds(folder: Path, *arguments: str) -> float:
    """The time of the processor that a session of pytest spends on one empty test."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "test_empty.py"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def measure_plugin(folder: Path) -> None:
    (folder / "test_empty.py").write_text("def test_nothing(): ...\n", encoding="utf-8")
    session_milliseconds(folder)  # writes bytecode
    pairs = [
        (session_milliseconds(folder), session_milliseconds(folder, "-p", "no:mfa_simulator"))
        for _ in range(ROUNDS)
    ]
    heading("a session of pytest without a scenario file", "ms")
    line("with the plugin", statistics.median(one for one, _ in pairs))
    line("without it", statistics.median(other for _, other in pairs))
    line("median of the differences", statistics.median(one - other for one, other in pairs))


def task_seconds(tools: Any) -> float:
    """What the page's thread has worked so far, parsing, laying out and painting."""
    metrics = tools.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def measure_page(folder: Path) -> None:
    files = sorted(FOLDER.rglob("*.mfa.yaml"))
    with frozen_wall_clock(START) as wall:
        traces = [trace_of(play(scenario, wall)) for file in files for scenario in read_file(file)]
    traces = list(islice(cycle(traces), SCENARIOS))
    text = as_page(traces, [], {str(file): file.read_text(encoding="utf-8") for file in files})
    page = folder / "report.html"
    page.write_text(text, encoding="utf-8")
    print()
    heading(f"the page of {SCENARIOS} scenarios", "")
    line("megabytes", len(text.encode()) / 1e6)
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page()
        tools = opened.context.new_cdp_session(opened)
        # The time that the page's thread has the processor: what else the machine does would be in any other.
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        spent = []
        for _ in range(ROUNDS):
            opened.goto("about:blank")
            before = task_seconds(tools)
            opened.goto(page.as_uri())
            spent.append(task_seconds(tools) - before)
        browser.close()
    line("ms of the processor to open it, median", statistics.median(spent) * 1000)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        measure_plugin(Path(place))
        measure_page(Path(place))
