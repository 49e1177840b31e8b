"""A run as JUnit XML, which build servers show: a suite for each file, a case for each scenario."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from mfa_simulator.problems import Problem
from mfa_simulator.report.trace import Trace

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(traces: Sequence[Trace], problems: Sequence[Problem]) -> str:
    """Give the document; what came to something else is a failure, a bad file an error with all its problems."""
    root = ET.Element("testsuites", name="mfa-sim")
    for file, cases in groupby(traces, key=lambda trace: trace.file):
        _suite(root, file, list(cases))
    for file, found in groupby(problems, key=lambda problem: problem.file):
        _bad_file(root, file, list(found))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("time", _seconds(sum(trace.seconds for trace in traces)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, file: str, cases: list[Trace]) -> None:
    errors = sum(trace.verdict == "error" for trace in cases)
    failed = sum(trace.verdict not in ("passed", "error") for trace in cases)
    suite = ET.SubElement(root, "testsuite", name=_text(file), tests=str(len(cases)), failures=str(failed))
    suite.set("errors", str(errors))
    suite.set("time", _seconds(sum(trace.seconds for trace in cases)))
    for trace in cases:
        case = ET.SubElement(suite, "testcase", classname=_text(file), name=_text(trace.name))
        case.set("file", _text(file))
        case.set("line", str(trace.line))
        case.set("time", _seconds(trace.seconds))
        first = trace.crash or next(iter(trace.failures), None)
        if first is not None:
            message = f"{file}:{first.line}: {first.message.splitlines()[0]}"
            kind = f"invariant {first.invariant}" if first.invariant else "expectation"
            tag = "failure" if trace.crash is None else "error"
            kind = kind if trace.crash is None else "error"
            ET.SubElement(case, tag, message=_text(message), type=kind).text = _text(trace.text)


def _bad_file(root: ET.Element, file: str, problems: list[Problem]) -> None:
    suite = ET.SubElement(root, "testsuite", name=_text(file), tests="1", failures="0", errors="1")
    case = ET.SubElement(suite, "testcase", classname=_text(file), name="the file can be read")
    case.set("file", _text(file))
    case.set("line", str(problems[0].position.line))
    error = ET.SubElement(case, "error", message=_text(str(problems[0])), type="bad file")
    error.text = _text("\n".join(f"{problem}\n{problem.picture}" for problem in problems))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _text(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return _NOT_XML.sub("", text)
