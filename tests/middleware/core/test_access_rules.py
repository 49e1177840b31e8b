"""The policy's rules: what is asked for by path, method, user and group."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.access_rules import AccessRule, Asking, is_at_any, rule_for
from wsgi_mfa.core.errors import InvalidPolicyError
from wsgi_mfa.core.policy import Policy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RULES = (
    AccessRule(user="batch@example.com", second_factor=False),
    AccessRule(methods=("GET",), path="/reports", group="clerks", second_factor=False),
    AccessRule(path="/transfers/help", second_factor=True),
    AccessRule(methods=("POST", "PUT"), path="/transfers", max_age_seconds=300),
    AccessRule(path="/admin", max_age_seconds=60),
)


def age(path="/", method="GET", user="user1", groups=(), rules=RULES):
    asking = Asking(method=method, path_info=path, user=user, groups=groups)
    found = rule_for(rules, asking)
    return found.age_seconds_max


@pytest.mark.requirement("R78")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, 0),
        ({"user": "batch@example.com", "path": "/admin"}, None),
        ({"path": "/reports"}, 0),
        ({"path": "/reports", "groups": ("clerks",)}, None),
        ({"path": "/reports/3", "groups": ("guests", "clerks"), "method": "HEAD"}, None),
        ({"path": "/reports/3", "groups": ("clerks",), "method": "POST"}, 0),
        ({"path": "/reportsx", "groups": ("clerks",)}, 0),
        ({"path": "/transfers"}, 0),
        ({"path": "/transfers", "method": "POST"}, 300),
        ({"path": "/transfers/7", "method": "PUT"}, 300),
        ({"path": "/transfers/help", "method": "POST"}, 0),
        ({"path": "/admin/"}, 60),
        ({"path": "/administration"}, 0),
        ({"path": "/My Report", "method": "POST"}, 0),
        ({"path": ""}, 0),
    ],
)
def test_the_first_rule_that_holds_counts(asked, expected):
    assert age(**asked) == expected


@pytest.mark.requirement("R63", "R78")
@pytest.mark.parametrize(
    "path",
    [
        "//reports",
        "/reports/../x",
        "/./reports",
        "/reports;x",
        "/rep%6frts",
        "\\reports",
        "/reports/\x00",
        "/a//b",
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_never_let_off_and_asks_for_the_freshest(path):
    assert age(path, groups=("clerks",)) == 60
    assert age(path, groups=("clerks",), rules=RULES[1:2]) == 0
    assert age(path, rules=(AccessRule(second_factor=True),)) == 0


@pytest.mark.requirement("R63", "R78")
def test_the_case_of_a_path_lets_nobody_off_and_saves_nobody_a_fresh_factor():
    assert age("/REPORTS", groups=("clerks",)) == 0
    assert age("/Admin/users") == 60


@given(st.text(alphabet="/.;%\\aA\x00é ", max_size=12))
def test_no_path_gets_around_a_rule_for_all_paths(path):
    assert age(path, rules=(AccessRule(path="/a", second_factor=False), AccessRule(max_age_seconds=10))) in (
        None,
        10,
    )
    if age(path, rules=(AccessRule(path="/a", second_factor=False), AccessRule(max_age_seconds=10))) is None:
        assert path == "/a" or path.startswith("/a/")


@pytest.mark.requirement("R78")
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "exactly one of second_factor and max_age_seconds"),
        ({"path": "/x"}, "exactly one of second_factor and max_age_seconds"),
        ({"path": "/x", "second_factor": True, "max_age_seconds": 60}, "exactly one of"),
        ({"second_factor": False}, "false only beside a path, a user or a group"),
        ({"methods": ["POST"], "second_factor": False}, "false only beside a path, a user or a group"),
        ({"path": "/x", "second_factor": "off"}, "rules: second_factor is 'off': legal is true and false"),
        ({"path": "/x", "max_age_seconds": 0}, "rules: max_age_seconds is 0: legal is 1 to 86400"),
        ({"path": "/x", "max_age_seconds": 86401}, "legal is 1 to 86400"),
        ({"path": "/x", "max_age_seconds": -1}, "legal is 1 to 86400"),
        ({"path": "/x", "max_age_seconds": True}, "legal is 1 to 86400"),
        ({"path": "/x", "max_age_seconds": "60"}, "legal is 1 to 86400"),
        *(
            ({"path": path, "second_factor": True}, "rules: path is .*: legal is a plain path")
            for path in ("", "x", "/x/", "/*", "/../x", "/x /y", "//x", 7)
        ),
        ({"methods": "POST", "max_age_seconds": 60}, "rules: methods is 'POST': legal is a list of methods"),
        ({"methods": ["post"], "max_age_seconds": 60}, "legal is a list of methods in capitals"),
        ({"methods": [7], "max_age_seconds": 60}, "legal is a list of methods in capitals"),
        ({"user": "", "second_factor": False}, "rules: user is '': legal is the name of a user"),
        ({"user": "a\x00", "second_factor": False}, "legal is the name of a user"),
        ({"group": "", "second_factor": False}, "rules: group is '': legal is the name of a group"),
        ({"role": "x", "second_factor": False}, "'role' is no member; legal are methods, path, user, group"),
    ],
)
def test_a_table_that_is_no_rule_is_refused_at_the_start_and_the_member_is_named(members, message):
    with pytest.raises(InvalidPolicyError, match=message):
        Policy(rules=(members,))


@pytest.mark.parametrize("rules", [[], "/x", {}, None, AccessRule(second_factor=True)])
def test_rules_are_a_tuple(rules):
    with pytest.raises(
        InvalidPolicyError, match=r"policy\.rules is .*: legal is a tuple, each entry a table"
    ):
        Policy(rules=rules)


@pytest.mark.requirement("R78")
def test_a_mapping_is_the_rule_with_the_same_members():
    (rule,) = Policy(rules=({"methods": ["POST"], "path": "/x", "max_age_seconds": 60},)).rules
    assert rule == AccessRule(methods=("POST",), path="/x", max_age_seconds=60)
    assert hash(rule) == hash(AccessRule(methods=("POST",), path="/x", max_age_seconds=60))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (
            "POST,PUT /transfers -> fresh(300)",
            AccessRule(methods=("POST", "PUT"), path="/transfers", max_age_seconds=300),
        ),
        ("/reports group:clerks -> off", AccessRule(path="/reports", group="clerks", second_factor=False)),
        ('user:a"b -> off', AccessRule(user='a"b', second_factor=False)),
        (" -> required", AccessRule(second_factor=True)),
    ],
)
def test_a_rule_in_a_line_is_refused_and_the_message_has_it_as_a_table(line, rule):
    with pytest.raises(InvalidPolicyError, match="rules are tables now") as rejected:
        Policy(rules=(line, "/x -> required"))
    document = tomllib.loads(rejected.value.legal.partition("\n\n")[2])
    again = Policy(rules=tuple(document["policy"]["rules"]))
    assert again.rules == (rule, AccessRule(path="/x", second_factor=True))


@pytest.mark.parametrize(
    "line",
    [
        *("", "->", "-> off", "POST -> off", " -> off", "/x -> on", "/x -> fresh", "/x -> fresh()"),
        *("/x -> fresh(0)", "/x -> fresh(86401)", "/x->off", "/x/ -> off", "user: -> off", "role:x -> off"),
    ],
)
def test_a_line_that_never_was_a_rule_is_refused_with_an_example_of_a_table(line):
    with pytest.raises(InvalidPolicyError, match="a table with conditions"):
        Policy(rules=(line,))


def test_a_user_may_be_spelt_as_people_spell_it():
    assert (
        age(user="alice@example.com", rules=(AccessRule(user="alice@example.com", second_factor=False),))
        is None
    )


@pytest.mark.requirement("R63", "R78")
@pytest.mark.parametrize("path", ["//admin", "/x/../admin", "/ADMIN", "/admin.", "/admin ", "/admin;x", None])
def test_who_is_let_off_elsewhere_is_let_off_no_page_that_might_be_the_one_that_is_not(path):
    rules = (AccessRule(path="/admin", second_factor=True), AccessRule(group="clerks", second_factor=False))
    assert age("/reports", groups=("clerks",), rules=rules) is None
    assert age(path, groups=("clerks",), rules=rules) == 0


@pytest.mark.requirement("R78")
@pytest.mark.parametrize("method", [None, "post", "Post", "GE T"])
def test_a_method_that_might_be_another_lets_nobody_off_and_asks_for_the_freshest(method):
    rules = (
        AccessRule(methods=("GET",), path="/reports", group="clerks", second_factor=False),
        AccessRule(methods=("DELETE",), path="/reports", max_age_seconds=60),
        AccessRule(path="/free", group="clerks", second_factor=False),
    )
    assert age("/reports", "GET", groups=("clerks",), rules=rules) is None
    assert age("/reports", method, groups=("clerks",), rules=rules) == 60
    assert age("/reports", method, groups=("clerks",), rules=rules[:1]) == 0
    assert age("/free", method, groups=("clerks",), rules=rules) is None


@pytest.mark.requirement("D4", "R63")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *(
            ("/xmlrpc", True),
            ("/xmlrpc/", True),
            ("/XmlRpc/x", True),
            ("//xmlrpc", True),
            ("/a/../xmlrpc", True),
        ),
        *(("/xmlrpc.", True), ("/%78mlrpc", True), ("xmlrpc", True), (None, True), ("/xmlrpc;a", True)),
        *(("/", False), ("", False), ("/xmlrpcs", False), ("/a/xmlrpc", False), ("/a b/", False)),
    ],
)
def test_every_path_that_might_be_below_one_is_at_it(path, expected):
    assert is_at_any(path, ("/xmlrpc",)) is expected
