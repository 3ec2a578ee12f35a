"""The web server of the site, which ends where it hangs: `python -m clinic_site.server --port 8000`.

Granian has two processes: one answers requests, and the other waits for it to end. The second one asks
the first over HTTP whether it is alive. Where nothing was answered for QUIET seconds, or one request does
not end, it kills the first and ends with exit code 1; systemd (`Restart=always`), Docker (`restart: always`)
and `runclinic` start it again. A health check of Docker restarts nothing.
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
# In seconds. A statement of a page ends after 5, a wait for a lock after 3, and a proxy gives up after 15.
# So a server that has finished nothing for so long is stuck, and not slow; and no request runs so long
# unless it never ends.
QUIET, STARTS_WITHIN, LONGEST_REQUEST = 30, 120, 120
KILL_AFTER = 20  # seconds that requests have to end when the server is told to
FINISHED, OLDEST = 0, 1  # in what the processes share: how many ended, and when the oldest that runs began


class Watch:
    """Whether the process that answers is stuck, from what was seen of it; times are of time.monotonic()."""

    def __init__(self, now: float):
        self.alive_at, self.finished, self.patience = now, 0, STARTS_WITHIN

    def wrong(self, *, answered: bool, finished: float, oldest: float, now: float) -> str | None:
        """Take in one look, and say why the server must end; None where it need not.

        `answered` is whether /healthz did, `finished` the number of requests that have ended, and `oldest`
        when the oldest that runs began, 0 for none. With all threads at slow requests nobody answers in
        time, but now and then one of them finishes.
        """
        if answered or finished != self.finished:
            self.alive_at, self.finished, self.patience = now, finished, QUIET
        if now - self.alive_at > self.patience:
            return f"Nothing was answered for {self.patience} seconds"
        if oldest and now - oldest > LONGEST_REQUEST:
            return f"A request has not ended in {LONGEST_REQUEST} seconds"
        return None


def watch(host: str, port: int, shared: memoryview) -> None:
    """Look after the process that answers, for as long as this one runs."""
    seen = Watch(time.monotonic())
    while True:
        time.sleep(EVERY)
        answered = answers(host, port)
        now, finished, oldest = time.monotonic(), shared[FINISHED], shared[OLDEST]
        if why := seen.wrong(answered=answered, finished=finished, oldest=oldest, now=now):
            log.error("%s: the server ends, to be started again.", why)
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
    """The application that `target` ("module:name") names; it writes what it does into the shared file."""
    faulthandler.register(signal.SIGUSR1)
    module, _, name = target.partition(":")
    site = getattr(import_module(module), name)
    shared, running = opened(path), {}

    def answer(environ, start_response):
        thread = threading.get_ident()
        running[thread] = time.monotonic()
        shared[OLDEST] = min(list(running.values()))
        try:
            return site(environ, start_response)
        finally:
            del running[thread]
            shared[FINISHED] += 1
            shared[OLDEST] = min(list(running.values()), default=0)

    return answer


def opened(path: str) -> memoryview:
    """The two numbers of a file, as memory that processes share."""
    with open(path, "r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 16)).cast("d")


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
        file.truncate(16)
        watching = given.host, given.port, opened(file.name)
        watcher = threading.Thread(target=watch, args=watching, daemon=True)
        server.on_startup(watcher.start)
        server.serve(target_loader=partial(counted, file.name))


if __name__ == "__main__":
    main()
