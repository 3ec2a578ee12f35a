"""A WSGI application that does nothing but return bytes: what a web server costs by itself."""

import json
import os
from pathlib import Path

_folder = Path(os.environ["BARE"])
_body, _headers = (_folder / "body").read_bytes(), json.loads((_folder / "headers").read_text())
_headers = [tuple(header) for header in _headers]


def application(environ, start_response):
    start_response("200 OK", _headers)
    return [_body]
