"""The world of a scenario: what a step uses is noted, and what is only read stays as it is."""

from __future__ import annotations

import pytest

from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.clocks import frozen_wall_clock


@pytest.fixture
def world(scenario_of):
    scenario = scenario_of("- wait: 1s")
    with frozen_wall_clock(scenario.start) as wall:
        yield World(scenario, wall)


def test_the_first_use_makes_a_browser_and_the_second_returns_it(world):
    laptop = world.use_browser("laptop")
    assert world.use_browser("laptop") is laptop
    assert world.browsers == {"laptop": laptop}
    assert world.last_browser == "laptop"


def test_a_browser_that_is_used_again_names_the_user_who_sits_there(world):
    world.use_browser("laptop").user = "user1"
    world.use_user("user2")
    assert world.last_user == "user2"
    world.use_browser("laptop")
    assert world.last_user == "user1"


def test_to_read_a_world_changes_nothing(world):
    world.use_browser("laptop")
    world.use_user("user1")
    assert "tablet" not in world.browsers
    assert world.user_states["user2"].spec.name == "user2"
    assert [phone.name for phone in world.phones()] == ["pixel", "spare", "nokia"]
    assert (world.account("user2"), world.phone("nokia").owner) == (None, "user2")
    assert (world.last_browser, world.last_user, list(world.browsers)) == ("laptop", "user1", ["laptop"])


def test_a_step_in_a_tab_uses_that_tab_and_other_browsers_as_ever(world):
    window, tablet = world.use_browser("laptop"), world.use_browser("tablet")
    tab = window.new_tab()
    with world.in_tab(tab):
        assert world.use_browser("laptop") is tab
        assert world.use_browser("tablet") is tablet
    assert world.use_browser("laptop") is window
    assert world.browsers["laptop"] is window
