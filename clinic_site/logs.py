"""Logs for machines (LOG_FORMAT=json): one JSON object a line, with no more about people than our lines."""

import json
import logging
import time
from datetime import UTC, datetime

from django.core.exceptions import MiddlewareNotUsed

from clinic_site.middleware import WithoutWords, escaped

access = logging.getLogger("clinic.access")
OF_A_REQUEST = ("method", "route", "status", "ms")


class AsJson(WithoutWords):
    """Time (UTC), level, logger and message; of a request its fields; of an error its place and kinds."""

    def format(self, record: logging.LogRecord) -> str:
        """One line. The filter has taken links out of the message already."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: value for name in OF_A_REQUEST if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            told["where"], _, kinds = self.formatException(record.exc_info).rpartition("\n")
            told["errors"] = kinds.split(", from ")
        return escaped(json.dumps(told, ensure_ascii=False))


def one_line_each(get_response):
    """Middleware: a line for each request with the name of its route, never its address or who sent it.

    Only where logs are for machines. Pages that are answered before Django stand in the proxy's log.
    """
    if not access.isEnabledFor(logging.INFO):
        raise MiddlewareNotUsed

    def answer(request):
        began = time.perf_counter()
        response = get_response(request)
        match = getattr(request, "resolver_match", None)
        told = {
            "method": request.method if request.method in ("GET", "HEAD", "POST") else "other",
            "route": match.view_name if match else "",
            "status": response.status_code,
            "ms": round((time.perf_counter() - began) * 1000, 1),
        }
        access.info("request", extra=told)
        return response

    return answer
