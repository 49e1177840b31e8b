"""`mfa-sim prove`: every life of an account up to a number of commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfa_simulator.cli import exit_codes

if TYPE_CHECKING:
    from mfa_simulator.prove.alphabets import Alphabet
    from mfa_simulator.prove.state_search import Proof

ALL = "all"
BREAKS, FAILS = "breaks an invariant of the whole middleware too", "fails"
SHOWN = (BREAKS, FAILS)
NOTHING = "passes: the pages in front of the rules do not let it through"


@click.command()
@click.option("--depth", type=click.IntRange(1, 20), default=4, show_default=True, help="So many commands.")
@click.option(
    "--alphabet",
    "theme",
    default=ALL,
    show_default=True,
    metavar="THEME",
    help="Which actions are tried; `list` names them.",
)
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mfa-findings"),
    show_default=True,
    help="Where a counter-example is written as a scenario file.",
)
def prove(*, depth: int, theme: str, folder: Path) -> None:
    """Try every life of one account, up to a number of commands, against the rules that the middleware runs.

    The search is breadth-first: the first counter-example is the shortest. States that differ only in ids and in the
    date are one. Ends with 0 when no law was broken, and with 3 and a scenario file when one was.
    """
    try:
        from mfa_simulator.prove.alphabets import ALPHABETS
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install wsgi-mfa[simulator]") from error
    if theme == "list":
        for each in ALPHABETS.values():
            click.echo(f"{each.name:<12} {each.about} ({len(each.actions)} actions)")
        return
    if theme not in (ALL, *ALPHABETS):
        raise click.UsageError(f'no alphabet "{theme}": legal are {ALL}, {", ".join(ALPHABETS)}')
    chosen = list(ALPHABETS.values()) if theme == ALL else [ALPHABETS[theme]]
    broken = [proof for each in chosen if (proof := _search(each, depth)).counter_example is not None]
    for proof in broken:
        _tell(proof, folder)
    sys.exit(exit_codes.BROKEN if broken else exit_codes.PASSED)


def _search(alphabet: Alphabet, depth: int) -> Proof:
    from mfa_simulator.prove.state_search import Proof, search

    proof = Proof(alphabet=alphabet)
    click.echo(f"{alphabet.name}: {len(alphabet.actions)} actions, {alphabet.about}")
    for level in search(proof, depth=depth):
        click.echo(
            f"  depth {level.depth}: {level.states} states ({level.new_states} new),"
            f" {level.transitions} transitions, {level.seconds:.1f} s"
        )
    if proof.counter_example is None:
        click.echo(f"  no law is broken within {depth} commands")
    return proof


def _tell(proof: Proof, folder: Path) -> None:
    from mfa_simulator.prove.telling import told

    stories = [(example, told(example, proof.alphabet)) for example in proof.counter_examples]
    # The shortest ones differ in what the pages in front of the rules let through.
    shown = ((example, story, _shown_by(story.text)) for example, story in stories)
    first = next(shown)
    example, story, words = next((each for each in (first, *shown) if each[2] in SHOWN), first)
    click.secho(f"BROKEN  {example.law}: {example.seen}", fg="red")
    click.echo(f"  after {proof.transitions} transitions, the shortest way:")
    for number, action in enumerate(example.actions, start=1):
        click.echo(f"    {number}. {action.name}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"prove-{proof.alphabet.name}-{example.law.replace(' ', '-')}.mfa.yaml"
    file.write_text(story.text, encoding="utf-8")
    click.echo(f"  play it with: mfa-sim run {file}, which {words}")
    for name in story.untold:
        click.echo(f"  no verb of the format tells: {name}")


def _shown_by(text: str) -> str:
    """Return what the scenario of a counter-example comes to, played against the middleware around the portal."""
    from mfa_simulator.language.parser import parse
    from mfa_simulator.language.scenario import START
    from mfa_simulator.play.running import play
    from mfa_simulator.world.clocks import frozen_wall_clock

    (scenario,) = parse(text, file="counter-example")
    with frozen_wall_clock(START) as wall:
        played = play(scenario, wall)
    return BREAKS if played.broken else FAILS if played.failed else NOTHING
