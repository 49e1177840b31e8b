"""What is written of a life is read again as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.explore.draw import Deck, Draw
from mfa_simulator.explore.plot import Plot, scenario_of, text_of, written
from mfa_simulator.explore.swarm import EVERY, FAULTS, SETTINGS, drawn
from mfa_simulator.language.document import texts_of
from mfa_simulator.language.format.verbs import BY_NAME
from mfa_simulator.world.entropy import SeededEntropy
from wsgi_mfa import Policy

pytestmark = pytest.mark.any_python

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@given(PRINTABLE)
def test_a_text_is_read_as_it_was_written(text):
    assert texts_of(f"key: {written(text)}\n") == {"key": text}
    assert texts_of(f"{{{written(text)}: [{written(text)}]}}") == {text: [text]}


@pytest.mark.parametrize("text", ["012345", "yes", "null", "-5m", "step+1s", "a: b", "# c", "{", "'", "1e3"])
def test_a_text_that_yaml_would_take_for_something_else_stays_a_text(text):
    assert texts_of(f"[{written(text)}]") == [text]


def test_a_plot_is_the_scenario_that_its_text_is():
    ann = {"password": "correct horse", "phones": {"pixel": None, "spare": {"offset": "-30s"}}}
    together = [{"visit": {"browser": "a"}, "expect": {}}, {"visit": {"browser": "b"}}]
    steps = ({"wait": "5s"}, {"together": together}, {"restart": {}}, {"rotate_keys": {}})
    plot = Plot(top={"seed": 7, "users": {"ann": ann}}, steps=steps)
    scenario = scenario_of(plot)
    assert scenario.seed == 7
    assert [step.verb for step in scenario.every_step()] == [
        *("wait", "together", "visit", "visit", "restart", "rotate_keys")
    ]
    assert scenario.users[0].phones["spare"].offset == -30_000_000
    assert text_of(plot, title="012").startswith("scenario: '012'\n")


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=0, max_value=60))
def test_what_is_drawn_for_a_life_can_be_played(seed, number):
    swarm = drawn(Draw(SeededEntropy(seed, "life"), Deck()), number)
    scenario = scenario_of(Plot(top=swarm.top, steps=({"wait": "0s"},)))
    Policy(**scenario.policy)
    assert len(swarm.browsers) >= 2
    assert set(swarm.moves) <= {*EVERY, *swarm.moves[:3]}


def test_the_settings_and_faults_are_those_of_the_format():
    for name, values in SETTINGS.items():
        for value in values:
            top = {"policy": {name: value}}
            if name == "backoff_seconds_max" and value < 30:
                top["policy"]["backoff_seconds_min"] = 1
            scenario_of(Plot(top=top, steps=({"wait": "0s"},)))
    for fault in FAULTS:
        scenario_of(Plot(steps=({"visit": {"browser": "a"}, "network": dict(fault)},)))
    assert BY_NAME["visit"].sends


def test_boundary_values_come_first_and_each_once():
    deck = Deck()
    draws = [Draw(SeededEntropy(number, "life"), deck) for number in range(4)]
    assert [draw.boundary("limit", (5, 4, 6, 0)) for draw in draws] == [5, 4, 6, 0]
    assert draws[0].boundary("limit", (5, 4, 6, 0)) in (5, 4, 6, 0)
    assert draws[0].boundary("another", ("a", "b")) == "a"
