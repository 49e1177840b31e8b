"""Who is an agent of the desk over HTTP, by the setting."""

from __future__ import annotations

import pytest

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.support.agents import NO_AGENTS, agents_from


@pytest.mark.requirement("R44", "R23")
def test_agents_are_named_in_any_spelling_or_by_a_group_where_names_are_folded():
    agents = agents_from([" Edith@Example.com", "group:Desk"], has_directory=True)
    assert agents.has("edith@example.com", ())
    assert agents.has("farid@example.com", ("staff", "Desk"))
    assert not agents.has("farid@example.com", ("desk", "group:Desk"))
    assert not agents.has("Desk", ())


@pytest.mark.requirement("D44")
def test_another_spelling_has_no_right_and_may_be_protected():
    agents = agents_from(["Edith"], has_directory=False)
    assert agents.allows("edith", (), spelling="Edith")
    assert not agents.allows("edith", (), spelling="edith")
    assert not agents.allows("Edith", (), spelling="EDITH")
    assert agents.has("edith", ())
    assert agents.has("EDITH", ())
    assert not agents.has("farid", ())


@pytest.mark.requirement("R44")
def test_without_the_setting_nobody_is_an_agent():
    assert agents_from((), has_directory=True) == NO_AGENTS
    assert not NO_AGENTS
    assert not NO_AGENTS.has("", ("",))


@pytest.mark.requirement("R44")
@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("edith@example.com", "a list of users"),
        ([1], "a list of users"),
        (["*"], "has '*'"),
        (["group:*"], "has '*'"),
        ([""], "has ''"),
        (["group: "], "has ' '"),
        (["a\nb"], "control or format character"),
    ],
)
def test_a_setting_that_is_not_legal_is_an_error_with_what_is(entries, said):
    with pytest.raises(ConfigurationError, match=r"^support_agents") as raised:
        agents_from(entries, has_directory=True)
    assert said in str(raised.value)


@pytest.mark.requirement("R44")
def test_a_group_needs_a_directory():
    with pytest.raises(ConfigurationError, match="give directory="):
        agents_from(["group:desk"], has_directory=False)
