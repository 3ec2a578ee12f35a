"""Django's own command, in the way of nobody: the clinic is open while it runs."""

import time
from contextlib import contextmanager

from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

LOCK_TIMEOUT = "1s"  # while a change waits for its lock, all who come after it wait as well
WAITS = [1, 2, 4, 8, 15, 15, 15, 15, 15, 15]  # seconds between tries; then somebody must look
LOCK_NOT_AVAILABLE = "55P03"


class Command(migrate.Command):
    def handle(self, *args, **options):
        connection = connections[options["database"]]
        with alone(connection):
            for wait in [*WAITS, None]:
                try:
                    return super().handle(*args, **options)
                except OperationalError as error:
                    if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                        raise
                    if wait is None:
                        raise CommandError(
                            "A table is in use all the time, perhaps by a forgotten transaction: look into "
                            "pg_stat_activity. What was not changed is as it was; run this again."
                        ) from error
                self.stderr.write(f"A table is in use. Trying again in {wait} s.")
                time.sleep(wait)


@contextmanager
def alone(connection):
    """Of two that migrate one database at once the second waits for the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('migrate', 0))")
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended('migrate', 0))")
