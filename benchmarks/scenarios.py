"""What an HTTP exchange of a story costs in mfa-sim, and in gabbi and tavern beside it.

Run ``python benchmarks/scenarios.py [FOLDER]``; the peers get virtual environments of their own in the folder (default:
``build/peers``), which takes a minute the first time. The requests are those that mfa-sim sent for ``story.mfa.yaml``,
the application is the same middleware around the same portal on the memory store, and each reply's status is checked.
mfa-sim also reads the pages, types the codes, and judges every invariant after each exchange and at the end; the
exchanges by which it does the latter are not counted.

A process plays one story, or many; the difference is the cost of a story without the start of the process. Costs are
processor time, user and system, of which each tool's best round counts: what else a machine does only ever adds to it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from mfa_simulator.language.parser import parse, read_file
from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import frozen_wall_clock
from mfa_simulator.world.recorder import Exchange

HERE = Path(__file__).parent
ROOT = HERE.parent
STORY = HERE / "story.mfa.yaml"
ROUNDS = 3
FEW, MANY = 1, 11
PLAY = "from mfa_simulator.cli import main; main()"
PACKAGES = {"gabbi": ["gabbi"], "tavern": ["tavern", "pytest<9", "wsgi-intercept"]}
ENROLLMENTS = 20
ENROLLMENT = """
scenario: Users enroll, and do nothing else
always: {liveness: off}
users:
"""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """How a tool plays the files of a folder, and how it is told the exchanges of a story."""

    name: str
    command: Callable[[Path], list[str]]
    write: Callable[[Path, int, list[Exchange]], object]


def exchanges_of_story() -> list[Exchange]:
    """Play the story once, and give what was sent and answered."""
    [scenario] = read_file(STORY)
    with frozen_wall_clock(scenario.start) as wall:
        played = play(scenario, wall)
    if played.failed:
        raise SystemExit("the story fails: see mfa-sim run benchmarks/story.mfa.yaml")
    return [exchange for moment in played.moments for exchange in moment.exchanges]


def write_gabbi(folder: Path, number: int, exchanges: list[Exchange]) -> None:
    tests = []
    for index, exchange in enumerate(exchanges):
        sent = exchange.request
        test = {"name": f"exchange {index}", "url": sent.url, "method": sent.method}
        test |= {"request_headers": dict(sent.headers), "status": exchange.served.status}
        tests.append(test | ({"data": sent.body.decode()} if sent.body else {}))
    (folder / f"story{number}.yaml").write_text(yaml.safe_dump({"tests": tests}, sort_keys=False))


def write_tavern(folder: Path, number: int, exchanges: list[Exchange]) -> None:
    def literal(text: str) -> str:
        return text.replace("{", "{{").replace("}", "}}")

    stages = []
    for index, exchange in enumerate(exchanges):
        sent = exchange.request
        headers = {name: literal(value) for name, value in sent.headers}
        request = {"url": literal(sent.url), "method": sent.method, "headers": headers}
        request |= {"follow_redirects": False} | ({"data": sent.body.decode()} if sent.body else {})
        response = {"status_code": exchange.served.status}
        stages.append({"name": f"exchange {index}", "request": request, "response": response})
    test = {"test_name": f"story {number}", "stages": stages}
    (folder / f"test_story{number}.tavern.yaml").write_text(yaml.safe_dump(test, sort_keys=False))


def write_story(folder: Path, number: int, exchanges: list[Exchange]) -> None:
    (folder / f"story{number}.mfa.yaml").write_text(STORY.read_text())


def tools(peers: Path) -> list[Tool]:
    """mfa-sim and its peers."""
    gabbi, tavern = (str(environment(peers / name, PACKAGES[name])) for name in PACKAGES)
    # The simulator's own plugin would only slow tavern down.
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:mfa_simulator", "-p", "intercepted"]
    return [
        Tool(
            name="mfa-sim",
            command=lambda folder: [sys.executable, "-c", PLAY, "run", "-q", str(folder)],
            write=write_story,
        ),
        Tool(
            name="gabbi",
            command=lambda folder: [gabbi, str(HERE / "peers" / "run_gabbi.py"), str(folder)],
            write=write_gabbi,
        ),
        Tool(
            name="tavern",
            command=lambda folder: [
                *(tavern, "-m", "pytest", *quiet),
                *("--rootdir", str(folder), str(folder)),
            ],
            write=write_tavern,
        ),
    ]


def environment(folder: Path, packages: list[str]) -> Path:
    """Make a virtual environment with a peer and this project, unless it is there; give its Python."""
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        print(f"making {folder} ...", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        project = ["-e", f"{ROOT}[demo,simulator]"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages, *project], check=True)
        done.touch()
    return python


def processor_seconds(command: list[str], variables: dict[str, str]) -> float:
    """Run a command to its end, and give the processor time that it took."""
    paths = [str(HERE / "peers"), os.environ.get("PYTHONPATH", "")]
    variables = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, env=variables) as process:
        output = process.stdout.read() if process.stdout is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output.decode()[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def compare(work: Path, contestants: list[Tool]) -> None:
    """Play the story with every tool in turn, and print what an exchange costs."""
    exchanges = exchanges_of_story()
    work.mkdir(parents=True, exist_ok=True)
    instants = work / "instants.json"
    instants.write_text(json.dumps([exchange.sent_at for exchange in exchanges]))
    variables = {"STORY": str(STORY), "INSTANTS": str(instants)}
    costs: dict[tuple[str, int], list[float]] = {}
    for tool in contestants:
        for count in (FEW, MANY):
            folder = work / f"{tool.name}-{count}"
            folder.mkdir(exist_ok=True)
            for number in range(count):
                tool.write(folder, number, exchanges)
    for _ in range(ROUNDS):
        for tool in contestants:
            for count in (FEW, MANY):
                command = tool.command(work / f"{tool.name}-{count}")
                costs.setdefault((tool.name, count), []).append(processor_seconds(command, variables))
    print(f"{len(exchanges)} exchanges a story, {ROUNDS} rounds, Python {sys.version.split()[0]}")
    print(f"{'':<10}{'ms a story':>12}{'exchanges/s':>13}{'mfa-sim is':>12}{'start and one story, s':>25}")
    story = {
        tool.name: (min(costs[tool.name, MANY]) - min(costs[tool.name, FEW])) / (MANY - FEW)
        for tool in contestants
    }
    for name, seconds in story.items():
        speed, ratio = len(exchanges) / seconds, f"{seconds / story['mfa-sim']:.1f}x"
        whole = min(costs[name, FEW])
        print(f"{name:<10}{seconds * 1e3:>12.1f}{speed:>13.0f}{ratio:>12}{whole:>25.2f}")


def print_enrollment() -> None:
    """Print what an enrollment costs, from the password to the stored recovery code."""
    names = [f"user{number}" for number in range(ENROLLMENTS)]
    users = "".join(f"  {name}: {{password: p, email: {name}@example.com, phones: {{}}}}\n" for name in names)
    users = users.replace("phones: {}", "phones: {pixel: }")
    steps = "".join(f"  - enroll: {{user: {name}, browser: {name}, phone: pixel}}\n" for name in names)
    [scenario] = parse(f"{ENROLLMENT}{users}steps:\n{steps}", file="enrollments.mfa.yaml")
    rounds = []
    for _ in range(ROUNDS):
        with frozen_wall_clock(scenario.start) as wall:
            begun = time.process_time()
            played = play(scenario, wall)
            rounds.append(time.process_time() - begun)
    count = sum(len(moment.exchanges) for moment in played.moments) // ENROLLMENTS
    cost = min(rounds) / ENROLLMENTS * 1e3
    print(f"an enrollment, its QR code drawn and read: {cost:.1f} ms, {count} exchanges")


def print_catalogue() -> None:
    """Print what the whole catalogue costs on one core."""
    folder = ROOT / "fixtures" / "scenarios"
    files = sorted(folder.rglob("*.mfa.yaml"))
    seconds = min(
        processor_seconds([sys.executable, "-c", PLAY, "run", "-q", str(folder)], {}) for _ in range(2)
    )
    stories = sum(len(read_file(file)) for file in files)
    print(f"the catalogue: {len(files)} files, {stories} stories, {seconds:.1f} s on one core")


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "peers").resolve()
    compare(place / "work", tools(place))
    print_enrollment()
    print_catalogue()
