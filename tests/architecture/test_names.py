"""No modules import each other in a circle, and no class name stands for two things in a package."""

from __future__ import annotations

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import pytest

PACKAGES = ("wsgi_mfa", "mfa_simulator")


def import_graph(modules, package):
    """Return the modules of a package, each with those that it imports, type checking and functions included."""
    known = {module.name for module in modules}
    return {
        module.name: {
            target
            for used in module.imports
            # "from package import part" means the module of that name, where there is one.
            for target in [
                f"{used.module}.{used.name}" if f"{used.module}.{used.name}" in known else used.module
            ]
            if target in known and target.partition(".")[0] == package
        }
        for module in modules
        if module.package == package
    }


def cycle_in(graph):
    """Return one circle of imports, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def places_of_classes(modules, package):
    """Return the names of all classes of a package, each with its places."""
    places = defaultdict(list)
    for module in modules:
        if module.package == package:
            for name, line in module.classes:
                places[name].append(f"{module.path}:{line}")
    return places


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_by_way_of_others(modules, package):
    assert cycle_in(import_graph(modules, package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_class_name_occurs_twice_in_a_package(modules, package):
    twice = {name: places for name, places in places_of_classes(modules, package).items() if len(places) > 1}
    assert twice == {}


@pytest.mark.parametrize(
    "import_back",
    [
        "from mfa_simulator.first import thing",
        "from mfa_simulator import first",
        "import mfa_simulator.first",
        "def later():\n    from mfa_simulator import first",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mfa_simulator.first import Thing",
    ],
)
def test_a_circle_is_found_however_the_import_is_written(read_source, import_back):
    modules = (
        read_source("from mfa_simulator.second import thing", name="mfa_simulator.first"),
        read_source("from mfa_simulator import third", name="mfa_simulator.second"),
        read_source(import_back, name="mfa_simulator.third"),
    )
    assert set(cycle_in(import_graph(modules, "mfa_simulator"))) == {
        "mfa_simulator.first",
        "mfa_simulator.second",
        "mfa_simulator.third",
    }


def test_a_package_that_imports_its_parts_is_no_circle(read_source):
    modules = (
        read_source("from mfa_simulator.whole.upper import thing", name="mfa_simulator.whole"),
        read_source("from mfa_simulator.whole import lower", name="mfa_simulator.whole.upper"),
        read_source("", name="mfa_simulator.whole.lower"),
    )
    assert cycle_in(import_graph(modules, "mfa_simulator")) == []


def test_a_nested_class_counts_like_any_other(read_source):
    modules = (
        read_source("class Moment: ...", name="wsgi_mfa.first"),
        read_source("def make():\n    class Moment: ...", name="wsgi_mfa.second"),
    )
    assert places_of_classes(modules, "wsgi_mfa")["Moment"] == ["first.py:1", "second.py:2"]
