"""The recorder of a world: each step has a record of its own."""

from __future__ import annotations

import contextvars
import gc
import logging
import threading
import weakref

import pytest

from mfa_simulator.world.recorder import Recorder


def test_between_steps_there_is_no_record(recorder):
    with pytest.raises(LookupError):
        _ = recorder.current
    with recorder.recording() as record:
        assert recorder.current is record
    with pytest.raises(LookupError):
        _ = recorder.current


def test_a_step_within_a_step_gives_the_outer_record_back(recorder):
    with recorder.recording() as outer:
        with recorder.recording() as inner:
            assert recorder.current is inner
        assert recorder.current is outer


def test_two_worlds_do_not_write_into_the_records_of_each_other(recorder):
    other = Recorder()
    with recorder.recording() as record, other.recording() as twin:
        other.current.remarks.append("seen in the twin")
    assert record.remarks == []
    assert twin.remarks == ["seen in the twin"]


def test_a_thread_of_a_step_writes_into_the_record_of_that_step(recorder):
    with recorder.recording() as record:
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(lambda: recorder.current.remarks.append("from the thread"),)
        )
        thread.start()
        thread.join()
    assert record.remarks == ["from the thread"]


def test_warnings_of_a_logger_are_noted_during_a_step_only(recorder):
    logger = logging.getLogger("wsgi_mfa.noted")
    with recorder.noting_logs("wsgi_mfa"):
        logger.warning("before the step")
        with recorder.recording() as record:
            logger.info("too small")
            logger.warning("the store of %s is slow", "user1")
            try:
                raise ValueError("why")
            except ValueError:
                logger.exception("it failed")
    assert record.remarks == [
        "log warning: the store of user1 is slow",
        "log error: it failed (ValueError('why'))",
    ]


def test_a_record_is_not_kept_when_its_step_is_over():
    recorder = Recorder()
    with recorder.recording() as record:
        sent = threading.Event()  # anything that takes a weak reference
        record.exchanges.append(sent)
    kept = weakref.ref(sent)
    del record, sent
    gc.collect()
    assert kept() is None
