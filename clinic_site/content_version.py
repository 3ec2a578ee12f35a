"""Whether what the public pages show has changed: one number of Postgres, asked for once a second.

A thread asks, so that no reader ever waits for the answer: neither on a good day nor when the database
hangs.
"""

import logging
import threading
import time

from django.db import connections

from pages.replica import ALIAS

log = logging.getLogger("clinic.pages")

EVERY = 1  # seconds
# A connection of its own that gives up soon (libpq: seconds, and milliseconds for the last).
IMPATIENT = {
    "connect_timeout": 2,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 3000,
}
# Each app raises its own, by triggers; a sum can only differ when one of them has risen.
NUMBER = """
    SELECT (SELECT sum(number) FROM pages_content_version)
         + (SELECT sum(number) FROM bookings_content_version)
"""


class ContentVersion:
    """The number as this process knows it. Whoever asks for it first starts the thread, if nobody has."""

    def __init__(self):
        self._number, self._answered_at, self._fails = None, None, False
        self._thread, self._starting, self._end = None, threading.Lock(), threading.Event()

    @property
    def number(self) -> int | None:
        """The newest number, or None before the first answer of the database."""
        # A process that was forked off has no thread, even where its parent had one.
        if self._thread is None or not self._thread.is_alive():
            self.start()
        return self._number

    @property
    def silence(self) -> float:
        """For how many seconds the database has not answered; to be asked when there is a number."""
        return time.monotonic() - self._answered_at

    def stop(self) -> None:
        """Let the thread end before the process does."""
        self._end.set()
        self._thread.join()

    def start(self) -> None:
        """Let the thread begin, before anybody asks for the number."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="content version", daemon=True)
                self._thread.start()

    def _watch(self):
        own = [connections[alias].copy() for alias in (ALIAS, "default") if alias in connections.settings]
        for database in own:
            database.settings_dict["OPTIONS"] = {**database.settings_dict["OPTIONS"], **IMPATIENT}
        while not self._end.is_set():
            self._say(fails=not any(self._ask(database) for database in own))
            self._end.wait(EVERY)
        for database in own:
            database.close()

    def _ask(self, database):
        """Whether it answered. A copy that pages are read from comes first: it may be a moment behind."""
        asked_at = time.monotonic()
        try:
            number = number_in(database)
        except Exception:  # whatever it is, it must not end the watch
            database.close()
            return False
        self._answered_at, self._number = asked_at, number
        return True

    def _say(self, *, fails):
        if fails and not self._fails:
            log.warning("The database does not say whether pages have changed; those kept are served.")
        elif self._fails and not fails:
            log.info("The database says again whether pages have changed.")
        self._fails = fails


def number_in(database) -> int:
    """The number that this connection of Django's sees now."""
    with database.cursor() as cursor:
        cursor.execute(NUMBER)
        return int(cursor.fetchone()[0])
