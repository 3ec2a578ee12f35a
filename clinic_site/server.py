"""The web server of the site, which ends where it hangs: `python -m clinic_site.server --port 8000`.

Granian has two processes: one answers requests, and the other waits for it to end. The second one asks
the first over HTTP whether it is alive. Where nothing was answered for QUIET seconds it kills the first
and ends with exit code 1; systemd (`Restart=always`), Docker (`restart: always`) and `runclinic` start
it again. A healthcheck of Docker restarts nothing.
"""

import argparse
import faulthandler
import logging
import mmap
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from importlib import import_module

from granian import Granian
from granian.log import LogLevels

log = logging.getLogger("clinic.server")

SITE = "clinic_site.wsgi:application"
THREADS = 4  # requests at a time
EVERY = 5  # seconds between two questions, and how long one waits
# In seconds. A statement of a page ends after 5, a wait for a lock after 3, and a proxy has given up long
# before. So a server that has finished nothing for so long is stuck, and not slow.
QUIET, STARTS_WITHIN = 30, 120
KILL_AFTER = 20  # seconds that requests have to end when the server is told to


class Watch:
    """Whether the process that answers is stuck, from what was seen of it; times are of time.monotonic()."""

    def __init__(self, now: float):
        self.alive_at, self.finished, self.patience = now, 0, STARTS_WITHIN

    def is_stuck(self, *, answered: bool, finished: int, now: float) -> bool:
        """Take in one look: whether /healthz answered, and the count of finished requests, which wraps.

        With all threads at slow requests nobody answers in time, but now and then one of them finishes.
        """
        if answered or finished != self.finished:
            self.alive_at, self.finished, self.patience = now, finished, QUIET
        return now - self.alive_at > self.patience


def watch(host: str, port: int, finished: mmap.mmap) -> None:
    """Look after the process that answers, for as long as this one runs."""
    seen = Watch(time.monotonic())
    while True:
        time.sleep(EVERY)
        answered = answers(host, port)
        if seen.is_stuck(answered=answered, finished=finished[0], now=time.monotonic()):
            log.error(
                "Nothing was answered for %s seconds: the server ends, to be started again.", seen.patience
            )
            end_all()
            return


def answers(host: str, port: int) -> bool:
    """Whether anything comes back, from the machine itself and whatever it is."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened at
    # A host name of ours, or each question would be an error in the log.
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    with suppress(OSError, HTTPException), closing(HTTPConnection(here, port, timeout=EVERY)) as line:
        line.request("GET", "/healthz", headers={"Host": name} if name not in ("", "*") else {})
        return bool(line.getresponse().status)
    return False


def end_all() -> None:
    """Kill the processes that answer; each first writes into the log in which lines its threads are."""
    for child in multiprocessing.active_children():
        os.kill(child.pid, signal.SIGUSR1)
    time.sleep(1)
    for child in multiprocessing.active_children():
        child.kill()


def counted(path: str, target: str) -> Callable:
    """The application that `target` ("module:name") names; counts in the file what it has finished."""
    faulthandler.register(signal.SIGUSR1)
    module, _, name = target.partition(":")
    site = getattr(import_module(module), name)
    with open(path, "r+b") as file:
        finished = mmap.mmap(file.fileno(), 1)

    def answer(environ, start_response):
        try:
            return site(environ, start_response)
        finally:
            finished[0] = (finished[0] + 1) % 256

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("application", nargs="?", default=SITE)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--metrics-host", default="127.0.0.1")
    parser.add_argument("--metrics-port", type=int, help="where Prometheus finds numbers of this server")
    given = parser.parse_args()
    server = Granian(
        given.application,
        address=given.host,
        port=given.port,
        interface="wsgi",
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.warning,
        workers_kill_timeout=KILL_AFTER,
        metrics_enabled=given.metrics_port is not None,
        metrics_address=given.metrics_host,
        metrics_port=given.metrics_port or 0,
    )
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0")
        file.flush()
        finished = mmap.mmap(file.fileno(), 1)
        watcher = threading.Thread(target=watch, args=[given.host, given.port, finished], daemon=True)
        server.on_startup(watcher.start)
        server.serve(target_loader=partial(counted, file.name))


if __name__ == "__main__":
    main()
