"""When the web server counts as stuck. That it ends then and comes back, `tests/faults/stuck.py` shows."""

import re
import sys
import time
from types import SimpleNamespace

import pytest

from clinic_site import server
from clinic_site.server import EVERY, LONGEST_REQUEST, QUIET, STARTS_WITHIN, Watch
from tests.test_deploy import DEPLOY


def looks(watch, *, seconds, since, answered=False, finished=0, oldest=0):
    """What the watch says at each look in so many seconds; `finished` is how many end between two looks."""
    return [
        watch.wrong(answered=answered, finished=number * finished, oldest=oldest, now=since + number * EVERY)
        for number in range(1, seconds // EVERY + 1)
    ]


def test_a_server_is_stuck_when_nothing_was_answered_for_half_a_minute():
    watch = Watch(0)
    watch.wrong(answered=True, finished=0, oldest=0, now=5)

    said = looks(watch, seconds=QUIET + EVERY, since=5)

    assert said[-1] and not any(said[:-1])


def test_a_server_whose_threads_are_all_busy_but_finish_now_and_then_is_slow_and_not_stuck():
    watch = Watch(0)

    assert not any(looks(watch, seconds=3600, since=0, finished=3))


def test_a_server_that_answers_is_not_stuck_though_nobody_else_asks():
    assert not any(looks(Watch(0), seconds=3600, since=0, answered=True))


def test_a_server_that_has_not_answered_yet_has_the_time_to_start_in():
    said = looks(Watch(0), seconds=STARTS_WITHIN + EVERY, since=0)

    assert said[-1] and not any(said[:-1])


def test_a_request_that_never_ends_is_found_though_the_others_are_answered():
    said = looks(Watch(0), seconds=LONGEST_REQUEST + 10, since=0, answered=True, finished=2, oldest=5)

    assert said[-1].startswith("A request has not ended") and not any(said[:-1])


def test_what_a_request_ends_with_counts_as_finished_an_error_too(tmp_path, monkeypatch):
    running = []

    def site(environ, start_response):
        running.append(time.monotonic() - 5 < shared[server.OLDEST] <= time.monotonic())
        if environ["fails"]:
            raise ValueError("no")
        return []

    file = tmp_path / "shared"
    file.write_bytes(bytes(16))
    monkeypatch.setitem(sys.modules, "a_site", SimpleNamespace(application=site))
    answer, shared = server.counted(str(file), "a_site:application"), server.opened(str(file))
    answer({"fails": False}, None)
    with pytest.raises(ValueError, match="no"):
        answer({"fails": True}, None)

    assert shared.tolist() == [2, 0] and running == [True, True]


def test_both_ways_of_going_live_start_the_server_that_ends_where_it_hangs_and_start_it_again():
    unit = (DEPLOY / "systemd" / "clinic-web@.service").read_text()
    compose, image = (DEPLOY / "compose.yaml").read_text(), (DEPLOY / "Dockerfile").read_text()

    assert re.search(r"^ExecStart=\S+/python -m clinic_site\.server ", unit, re.M)
    assert re.search(r'^CMD \["python", "-m", "clinic_site\.server"', image, re.M)
    assert "Restart=always" in unit and "restart: always" in compose.split("x-settings")[0]
