"""A web server that hangs ends by itself and is started again: `uv run python -m tests.faults.stuck`.

Each fault stops all of it in another way. What is only slow, for twice as long, must not be touched.
"""

import os
import signal
import threading
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from clinic_site import server
from tests.faults.stage import clinic, main, say, wait_until

APPLICATION = "tests.benchmarks.stuck:application"
BACK_WITHIN = server.QUIET + 3 * server.EVERY + 15  # seconds


def ask(port, path, *, wait=0.5):
    with suppress(OSError, HTTPException), closing(HTTPConnection("127.0.0.1", port, timeout=wait)) as line:
        line.request("GET", path)
        return line.getresponse().status


def who_answers(here):
    """The process id of the one that answers requests, below the one that we started."""
    [process] = here.processes.values()
    with suppress(FileNotFoundError):  # it has just ended
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return int(children[0]) if children else None


def comes_back_after(here, stop):
    """What is broken when `stop`, given the port and the process that answers, has stopped everything."""
    port, before = here.ports[0], who_answers(here)
    stop(port, before)
    began = time.monotonic()
    is_gone = not here.is_alive(port)
    with suppress(AssertionError):
        wait_until(here.answers, "", seconds=BACK_WITHIN)
    is_back = here.answers()
    say(f"  {'back' if is_back else 'away'} after {time.monotonic() - began:.0f} s")
    return {
        "it answered all the time, so nothing was tried": not is_gone,
        "it did not come back": not is_back,
        "the same process as before": who_answers(here) == before,
        "the log does not say so": "Nothing was answered for" not in here.words_of_the_log(),
    }


def process_stopped():
    """The process that answers is stopped (SIGSTOP) and does nothing more."""
    with clinic(workers=0, application=APPLICATION) as here:
        return comes_back_after(here, lambda port, pid: os.kill(pid, signal.SIGSTOP))


def threads_in_endless_loops():
    """All threads are busy for ever; the log says in which line."""

    def stop(port, pid):
        for _ in range(2 * server.THREADS):
            ask(port, "/stuck")

    with clinic(workers=0, application=APPLICATION) as here:
        broken = comes_back_after(here, stop)
        is_told = "stuck.py" in here.words_of_the_log()
        return {**broken, "the log does not say where it hung": not is_told}


def one_request_never_ends():
    """One thread is busy for ever while the others answer."""
    with clinic(workers=0, application=APPLICATION) as here:
        before = who_answers(here)
        ask(here.ports[0], "/stuck")
        began = time.monotonic()
        with suppress(AssertionError):
            wait_until(
                lambda: who_answers(here) not in (before, None), "", seconds=server.LONGEST_REQUEST + 60
            )
        wait_until(here.answers, "it did not come back")
        say(f"  back after {time.monotonic() - began:.0f} s")
        return {
            "the same process as before": who_answers(here) == before,
            "the log does not say so": "A request has not ended" not in here.words_of_the_log(),
        }


def interpreter_held():
    """One thread holds Python's lock and never gives it back."""
    with clinic(workers=0, application=APPLICATION) as here:
        return comes_back_after(here, lambda port, pid: ask(port, "/held"))


def slow_but_healthy():
    """All threads are busy with requests of 5 seconds and others wait: it goes on, and they get answers."""
    with clinic(workers=0, application=APPLICATION) as here:
        before, until, answered = who_answers(here), time.monotonic() + 2 * server.QUIET, []

        def visit():
            while time.monotonic() < until:
                answered.append(ask(here.ports[0], "/slow", wait=120))

        visitors = [threading.Thread(target=visit) for _ in range(6 * server.THREADS)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        say(f"  {len(answered)} slow requests were answered")
        return {
            "it was ended": who_answers(here) != before,
            "a request was lost": set(answered) != {200},
            "the log speaks of an end": "Nothing was answered for" in here.words_of_the_log(),
        }


if __name__ == "__main__":
    main(
        process_stopped, threads_in_endless_loops, one_request_never_ends, interpreter_held, slow_but_healthy
    )
