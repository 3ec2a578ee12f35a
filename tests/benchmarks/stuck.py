"""The site with requests that never end, or take their time: for `tests.faults.stuck`."""

import re
import time

from clinic_site.wsgi import application as site


def application(environ, start_response):
    what = environ["PATH_INFO"]
    if what == "/stuck":
        while True:
            pass
    if what == "/held":  # and nothing else runs meanwhile: it gives no other thread a turn
        re.match("(a+)+$", "a" * 60 + "b")
    if what == "/slow":
        time.sleep(5)  # a statement that the database ends
        start_response("200 OK", [])
        return [b"ok"]
    return site(environ, start_response)
