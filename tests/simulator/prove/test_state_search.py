"""The search finds each planted hole by the shortest life, and nothing in the rules as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_simulator.language.parser import parse
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.language.scenario import START
from mfa_simulator.play.running import play
from mfa_simulator.prove.alphabets import ALPHABETS
from mfa_simulator.prove.state import key_of
from mfa_simulator.prove.state_search import Proof, first_state, search, taken
from mfa_simulator.prove.telling import told

pytestmark = pytest.mark.any_python

#: The law that each hole breaks, and how many commands the shortest life has that shows it.
SHORTEST = {
    "a code is good twice": ("everyday", "code once", 2),
    "a reset keeps the phone": ("everyday", "reset final", 1),
    "a recovery code is kept": ("everyday", "recovery once", 1),
    "codes are judged in a lock": ("locks", "lock", 2),
    "the confirming code is good twice": ("enrollment", "code once", 3),
    "wrong codes are charged to nobody": ("locks", "charge", 1),
}


def searched(name, depth):
    proof = Proof(alphabet=ALPHABETS[name])
    levels = list(search(proof, depth=depth))
    return proof, levels


def stories_of(proof):
    for example in proof.counter_examples:
        story = told(example, proof.alphabet)
        assert story.untold == ()
        yield from parse(story.text, file="story.mfa.yaml")


def test_a_planted_hole_is_found_by_the_shortest_life(hole):
    theme, law, length = SHORTEST[hole.name]
    proof, _ = searched(theme, length)
    assert proof.counter_example is not None, "no counter-example"
    assert (proof.counter_example.law, len(proof.counter_example.actions)) == (law, length)


def test_a_counter_example_plays_in_the_whole_middleware_and_passes_once_mended(hole, stage):
    theme, _, length = SHORTEST[hole.name]
    proof, _ = searched(theme, length)
    scenario = next(scenario for scenario in stories_of(proof) if play(scenario, stage.wall).broken)
    hole.mend()
    assert not play(scenario, stage.wall).failed


@pytest.mark.parametrize("name", list(ALPHABETS))
def test_the_rules_break_no_law(name):
    proof, levels = searched(name, 3)
    assert proof.counter_example is None
    assert [level.depth for level in levels] == [1, 2, 3]
    assert proof.states == levels[-1].states > 100
    assert levels[-1].transitions == proof.transitions > proof.states - 1


@pytest.mark.parametrize("name", list(ALPHABETS))
def test_every_action_of_an_alphabet_is_possible_and_has_a_name_of_its_own(name):
    alphabet = ALPHABETS[name]
    names = [action.name for action in alphabet.actions]
    assert len(set(names)) == len(names)
    frontier, taken_actions = [first_state(alphabet)], set()
    for _ in range(3):
        following = []
        for state in frontier[:60]:
            for action in alphabet.actions:
                after, _ = taken(state, action, alphabet.policy)
                if after is not None:
                    taken_actions.add(action.name)
                    following.append(after)
        frontier = following
    assert set(names) - taken_actions == set()


def test_states_that_differ_in_ids_and_dates_alone_are_one():
    alphabet = ALPHABETS["everyday"]
    verify, clock = alphabet.actions[0], 30 * 86_400 * SECOND
    first = first_state(alphabet)
    later = first_state(replace(alphabet, start=START + clock))
    later = replace(later, fresh=77)
    one, _ = taken(first, verify, alphabet.policy)
    other, _ = taken(later, verify, alphabet.policy)
    assert one.account.sessions[0].id != other.account.sessions[0].id
    assert key_of(one, alphabet.policy) == key_of(other, alphabet.policy)


def test_states_that_differ_in_what_was_used_up_are_two():
    alphabet = ALPHABETS["everyday"]
    first = first_state(alphabet)
    verified, _ = taken(first, alphabet.actions[0], alphabet.policy)
    assert key_of(first, alphabet.policy) != key_of(verified, alphabet.policy)
