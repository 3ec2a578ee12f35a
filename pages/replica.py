"""Reading public pages from a copy of the database (REPLICA_URL), and from the database itself without one.

Only the models of this app are read from there, only while a public page is being made, and nothing is
ever written there. All else, booking above all, asks the database itself.

A copy is behind by a moment, mostly milliseconds. So for that moment after an approval readers, and who
approved, may still see the words from before; whatever keeps finished pages must take its sign that
something has changed from the same copy, or it would keep the old words under the new sign.
"""

import logging
import time
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections, transaction

ALIAS = "replica"  # in DATABASES
AFTER = 30  # seconds until one that did not answer is asked again

log = logging.getLogger("clinic.pages")
_is_reading = ContextVar("is_reading", default=False)
_asked_again_at = 0.0  # of the monotonic clock, for this process


class Router:
    """Django's question of which database to ask."""

    def db_for_read(self, model, **hints):
        is_ours = model._meta.app_label == "pages"
        return ALIAS if is_ours and _is_reading.get() else None

    def allow_relation(self, one, other, **hints):
        return True  # what was read from the copy is the same record

    def allow_migrate(self, db, app_label, **hints):
        return False if db == ALIAS else None


@contextmanager
def one_moment(alias):
    """All that is read there as it was at one moment (PostgreSQL 13.2.2): no page shows new words beside
    the sources or the neighbors of the old ones. Nothing can be written.
    """
    if connections[alias].in_atomic_block:  # then its moment is somebody else's matter
        yield
        return
    with transaction.atomic(using=alias):
        with connections[alias].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def reads_a_copy(view: Callable) -> Callable:
    """A view that only reads public pages, all of one moment; where the copy does not answer, the database
    itself is asked.
    """

    def look_at(alias, *given, **named):
        with one_moment(alias):
            return view(*given, **named)

    @wraps(view)
    def look(request, *args, **kwargs):
        global _asked_again_at
        if ALIAS not in connections.settings or time.monotonic() < _asked_again_at:
            return look_at(DEFAULT_DB_ALIAS, request, *args, **kwargs)
        token = _is_reading.set(True)
        try:
            return look_at(ALIAS, request, *args, **kwargs)
        except (OperationalError, InterfaceError):
            log.warning("the copy of the database does not answer; pages are read from the database itself")
            _asked_again_at = time.monotonic() + AFTER
        finally:
            _is_reading.reset(token)
        return look_at(DEFAULT_DB_ALIAS, request, *args, **kwargs)

    return look
