"""Rules of the policy at the gate: a second factor of now, or none (R78)."""

from __future__ import annotations

import pytest

from wsgi_mfa import AccessRule, ConfigurationError, FlaskSession, Person, Policy

USER = "user1@example.com"
RULES = Policy(
    rules=(AccessRule(path="/transfers", max_age_seconds=120), AccessRule(user="batch", second_factor=False))
)
GROUPS = Policy(rules=(AccessRule(path="/reports", group="clerks", second_factor=False),))
JSON = {"Accept": "application/json"}


@pytest.fixture
def application(wrapped, portal):
    return wrapped(portal, policy=RULES)


@pytest.fixture
def laptop(application, browser_of):
    return browser_of(USER, application)


@pytest.fixture
def phone(laptop, phone_of, clock):
    phone = laptop.enroll("/", phone_of)
    clock.wait_for_step()
    return phone


@pytest.mark.requirement("R78")
def test_a_browser_is_asked_for_a_fresh_code_and_then_led_on(laptop, phone, portal, clock):
    assert laptop.navigate("/transfers").text == "welcome to /transfers"
    clock.wait(120)
    asked = laptop.open("/transfers?to=1")
    assert (asked.page.name, asked.page.outcome) == ("verify", "step_up_required")
    assert "/transfers" not in portal.paths[2:]
    assert laptop.navigate("/reports").text == "welcome to /reports"
    done = laptop.submit(asked, "/verify", code=phone.code())
    assert (done.page.outcome, done.page.refresh) == ("signed_in", "0;url=/transfers?to=1")
    assert laptop.navigate("/transfers?to=1").status == 200


@pytest.mark.requirement("R78")
def test_a_factor_that_is_fresh_enough_for_our_own_pages_is_asked_for_all_the_same(laptop, phone, clock):
    clock.wait(200)  # step_up_seconds is 300
    assert laptop.open("/transfers").page.name == "verify"


@pytest.mark.requirement("R77", "R78")
def test_a_program_is_asked_by_rfc_9470_and_then_passes(laptop, phone, clock):
    clock.wait(121)
    asked = laptop.request("GET", "/transfers", headers=JSON)
    assert (asked.status, asked.problem, asked.location) == (401, "step_up_required", None)
    assert asked.header("WWW-Authenticate") == (
        'Bearer error="insufficient_user_authentication",'
        ' error_description="A more recent second factor is needed", max_age="120"'
    )
    answer = laptop.post_json("/mfa/verify", {"code": phone.code()})
    assert answer.json["outcome"] == "signed_in"
    assert laptop.request("GET", "/transfers", headers=JSON).status == 200


@pytest.mark.requirement("R78")
def test_a_script_in_a_page_is_told_without_a_challenge(laptop, phone, clock):
    clock.wait(121)
    asked = laptop.request("GET", "/transfers", headers={**JSON, "Sec-Fetch-Mode": "cors"})
    assert (asked.status, asked.problem) == (401, "step_up_required")
    assert asked.header("WWW-Authenticate") is None


@pytest.mark.requirement("R78")
def test_who_has_no_second_factor_at_all_is_asked_for_one_and_not_for_a_fresh_one(
    laptop, phone, browser_of, application
):
    other = browser_of(USER, application)
    asked = other.request("GET", "/transfers", headers=JSON)
    assert (asked.status, asked.problem) == (401, "must_verify")
    assert asked.header("WWW-Authenticate") is None


@pytest.mark.requirement("R78")
def test_a_user_who_is_let_off_reaches_the_application_and_it_is_told_of_no_second_factor(
    browser_of, application, portal
):
    batch = browser_of("batch", application)
    assert batch.navigate("/reports").text == "welcome to /reports"
    assert not {key for key in portal.calls[-1] if key.startswith("wsgi_mfa.")}
    assert batch.open("/transfers").page.name == "enroll"


@pytest.mark.requirement("R78", "D3")
def test_the_sign_in_of_a_user_who_is_let_off_is_not_held_and_that_of_others_is(
    wrapped, portal, new_browser, sign_in
):
    application = wrapped(portal, identity=FlaskSession(portal.secret_key, user_key="_user_id"), policy=RULES)
    batch = new_browser(application)
    assert sign_in(batch, "batch").text == "welcome to /sign-in"
    assert batch.navigate("/").text == "welcome to /"
    assert sign_in(new_browser(application), USER).status == 303


@pytest.mark.requirement("R78")
def test_groups_come_from_the_directory(wrapped, portal, browser_of):
    people = {"carla": ("clerks",), "dave": ()}
    application = wrapped(
        portal, policy=GROUPS, directory=lambda name: Person(name=name, groups=people[name])
    )
    assert browser_of("carla", application).navigate("/reports/3").status == 200
    assert browser_of("carla", application).navigate("/orders").status == 303
    assert browser_of("dave", application).navigate("/reports/3").status == 303


@pytest.mark.requirement("R78")
def test_a_rule_for_a_group_needs_a_directory(wrapped, portal):
    with pytest.raises(ConfigurationError, match=r"policy\.rules name a group: give directory="):
        wrapped(portal, policy=GROUPS, directory=None)


@pytest.mark.requirement("R78", "D8")
def test_behind_a_proxy_that_asks_us_rules_without_a_path_hold_and_others_are_refused(
    wrapped, portal, new_browser, phone_of, clock
):
    settings = {"identity": FlaskSession(portal.secret_key, user_key="_user_id"), "forward_auth": True}
    for rule in (
        AccessRule(path="/transfers", max_age_seconds=120),
        AccessRule(methods=("POST",), max_age_seconds=120),
        AccessRule(path="/reports", user="batch", second_factor=False),
    ):
        with pytest.raises(ConfigurationError, match="such rules belong in the proxy"):
            wrapped(portal, policy=Policy(rules=(rule,)), **settings)
    application = wrapped(
        portal,
        policy=Policy(rules=(AccessRule(user="batch", second_factor=False), AccessRule(max_age_seconds=120))),
        **settings,
    )
    alice, batch = new_browser(application), new_browser(application)
    alice.cookies["session"], batch.cookies["session"] = portal.cookie("alice"), portal.cookie("batch")
    assert batch.request("GET", "/mfa/forward-auth").status == 200
    alice.enroll("/", phone_of)
    assert alice.request("GET", "/mfa/forward-auth").status == 200
    clock.wait(121)
    assert alice.request("GET", "/mfa/forward-auth", headers=JSON).status in (303, 401)


CLERK = Person(name="ann", email="ann@example.com", groups=("clerks",))
MOVES = ["X-Original-URL", "X-Rewrite-URL", "X-Script-Name", "X-Forwarded-Prefix"]


@pytest.fixture
def clerk(wrapped, portal, browser_of):
    """A browser of somebody without a second factor, who may read the reports."""
    policy = Policy(
        rules=(AccessRule(methods=("GET",), path="/reports", group="clerks", second_factor=False),)
    )
    browser = browser_of("ann", wrapped(portal, policy=policy, directory=lambda _: CLERK))
    assert browser.request("GET", "/reports").status == 200
    return browser


@pytest.mark.requirement("R63", "R64", "R78")
@pytest.mark.parametrize("name", MOVES)
def test_no_header_moves_who_is_let_off_to_another_page(clerk, portal, name):
    called = len(portal.calls)
    assert (
        clerk.request("GET", "/reports/transfers", headers={**JSON, name: "/reports"}).problem
        == "must_enroll"
    )
    assert len(portal.calls) == called


@pytest.mark.requirement("R64", "R78")
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/reports", {"X-HTTP-Method-Override": "POST"}),
        ("/reports", {"X-Method-Override": "DELETE"}),
        ("/reports?a=1&_method=POST", {}),
        ("/reports?%5Fmethod=POST", {}),
        ("/reports?_method=GET&_method=POST", {}),
    ],
)
def test_who_is_let_off_to_read_cannot_write_by_another_name_of_the_method(clerk, portal, path, headers):
    called = len(portal.calls)
    assert clerk.request("GET", path, headers={**JSON, **headers}).problem == "must_enroll"
    assert len(portal.calls) == called
