"""A file that stands for several scenarios."""

from __future__ import annotations

import pytest

from mfa_simulator.language.parser import parse

pytestmark = pytest.mark.any_python

FILE = """\
scenario: x
users:
  user1: {password: x, phones: {pixel: {offset: 0s}}}
steps: [wait: 1s]
matrix:
"""


def rows(matrix):
    return parse(FILE + matrix, file="x")


def test_every_combination_is_a_scenario_of_its_own():
    found = rows("  policy.steps_back: [0, 1]\n  users.user1.phones.pixel.offset: [-1s, 1s]\n")
    assert [scenario.row for scenario in found] == [
        "policy.steps_back=0, users.user1.phones.pixel.offset=-1s",
        "policy.steps_back=0, users.user1.phones.pixel.offset=1s",
        "policy.steps_back=1, users.user1.phones.pixel.offset=-1s",
        "policy.steps_back=1, users.user1.phones.pixel.offset=1s",
    ]
    assert [scenario.policy["steps_back"] for scenario in found] == [0, 0, 1, 1]
    assert found[1].users[0].phones["pixel"].offset == 1_000_000


def test_rows_can_be_left_out_and_added():
    found = rows("  seed: [1, 2, 3]\n  exclude: [{seed: 2}]\n  include: [{seed: 9, workers: 2}]\n")
    assert [(scenario.seed, scenario.workers) for scenario in found] == [(1, 1), (3, 1), (9, 2)]


def test_a_value_out_of_range_is_told_where_it_stands(problems_of):
    (problem,) = problems_of(FILE + "  policy.steps_back: [0, 9]\n")
    assert problem.startswith("6:26: policy.steps_back is 9")


@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        ("  policy.steps_back: 1\n", '6:22: matrix: "policy.steps_back" needs a list of values'),
        ("  polcy.steps_back: [1]\n", 'a file has no "polcy". Did you mean "policy"?'),
        ("  seed: [1]\n  exclude: [{seed: 1}]\n", "6:3: matrix: no row is left"),
        ("  seed: [1]\n  include: {seed: 1}\n", "matrix: include is a list of mappings"),
        (
            "  policy.steps_bak: [0, 1]\n",
            '6:3: matrix: "policy.steps_bak": policy has no "steps_bak". Did you mean',
        ),
        ("  users.user2.email: [a]\n", 'users has no "user2". Did you mean "user1"?'),
        ("  network.latencey: [1s]\n", 'network has no "latencey". Did you mean "latency"?'),
        ("  always.locks: [no]\n", 'always has no "locks". Did you mean "lock"?'),
        (
            "  seed: [1, 2]\n  include: [{sed: 1}]\n",
            '7:14: matrix: "sed": a file has no "sed". Did you mean "seed"?',
        ),
        (
            "  seed: [1, 2]\n  exclude: [{sead: 1}]\n",
            '7:14: matrix: exclude is about "sead"; it varies: seed. Did you mean "seed"?',
        ),
        ("  - seed\n", "6:3: matrix is a mapping"),
    ],
)
def test_a_matrix_that_makes_no_sense_is_told(problems_of, matrix, problem):
    (found,) = problems_of(FILE + matrix)
    assert problem in found


def test_all_that_is_wrong_in_a_matrix_and_beside_it_is_told_at_once(problems_of):
    found = problems_of(FILE + "  sed: [1]\n  policy.stepsback: [1]\n  exclude: [{x: 1}]\ncolour: red\n")
    assert [problem.partition(": ")[0] for problem in found] == ["6:3", "7:3", "8:14", "9:1"]
