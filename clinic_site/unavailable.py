"""The database that cannot answer now: how long a page waits for it, and what is said meanwhile."""

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import InterfaceError, OperationalError, connections

AGAIN_AFTER = 30  # seconds
AWAY = "This is not working right now", "A part of our system does not answer. It comes back by itself."
BUSY = "Somebody is changing this right now", "Two people cannot change it at once."
BUSY_CODES = {"55P03", "40P01"}  # a lock that was not had in time, a deadlock
# Said in other ways than an OperationalError: cut off for idling, and a server that only reads.
MORE_CODES = {"25P03", "25006"}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all that led to it, each once, causes before contexts.

    It always ends: `raise error from error`, which a package of ours does, makes a cycle.
    """
    seen, waiting = set(), [error]
    while waiting:
        error = waiting.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            yield error
            waiting += [error.__context__, error.__cause__]


def explained(error: BaseException | None) -> tuple[str, str, str] | None:
    """A title, a sentence and a code for the log, where the database could not answer; else None.

    The code is Postgres' own (its appendix A), or the kind of the error where no server gave one.
    """
    for each in chain(error):
        code = getattr(each.__cause__, "sqlstate", None)
        if isinstance(each, OperationalError | InterfaceError) or code in MORE_CODES:
            return *(BUSY if code in BUSY_CODES else AWAY), code or type(each).__name__
    return None


def wait_for_no_more_than_the_limits(get_response):
    """Middleware that only sets up: who answers requests has connections with DATABASE_LIMITS.

    It is made once, before the first request. The worker and all commands never make it.
    """
    limits = " ".join(f"-c {name}={value}" for name, value in settings.DATABASE_LIMITS.items())
    for where in connections.settings.values():
        already = where["OPTIONS"].get("options", "")
        if limits not in already:
            where["OPTIONS"]["options"] = f"{limits} {already}".strip()
    raise MiddlewareNotUsed
