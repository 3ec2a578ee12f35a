"""What a process of the site costs before anybody comes: `uv run python -m tests.benchmarks.processes`.

How soon a web process answers after its start, and how much memory it and a worker have, each with all
that it has started, after a first look at every public page. What several processes share counts in
parts. Ends with 1 where a promise is broken.
"""

import re
import statistics
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from urllib.parse import urlencode

from tests.benchmarks.scratch import program, scratch_database, wait_for, web_command  # sets Django up

# isort: split
from django.core.management import call_command

from tests.benchmarks.pages import SITE, answer, unpacked
from tests.benchmarks.table import Row, show

STARTS = 5


def figures():
    """The rows of the table, one after the other."""
    with scratch_database("benchmark_processes"):
        call_command("load_pages", stdout=StringIO())
        starts = []
        for _ in range(STARTS):
            begin = time.monotonic()
            port, command = web_command(SITE)
            with program(command, SITE_URL=f"http://127.0.0.1:{port}", REAL_HASHING="yes") as web:
                wait_for(port, web)
                answer(port, "/healthz")
                starts.append(time.monotonic() - begin)
                if len(starts) == STARTS:
                    memory = with_pages(port, web)
                    signing_in = most_while_signing_in(port, web)
        yield Row("a web process answers after", statistics.median(starts), "s", most=2)
        empty = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        time.sleep(0.5)
        plain = megabytes(empty.pid)
        empty.kill()
        empty.wait()
        yield Row("memory of a web process", memory, "MB", plain, "an empty Python")
        yield Row("the most, with 8 sign-ins at once", signing_in, "MB", memory, "with none", most=256)
        with program(["manage.py", "procrastinate", "worker"], stderr=subprocess.DEVNULL) as worker:
            time.sleep(6)
            assert worker.poll() is None, "the worker ended"
            yield Row("memory of a worker", megabytes(worker.pid), "MB", plain, "an empty Python")


def with_pages(port, web):
    """The memory of a web process that has shown every page once in each encoding."""
    paths = re.findall(r"<loc>https?://[^/]+([^<]+)</loc>", unpacked(answer(port, "/sitemap.xml")).decode())
    for path in paths:
        answer(port, path)
    return megabytes(web.pid)


def most_while_signing_in(port, web):
    """The most memory that a web process ever had, once 8 people have signed in at once."""
    with ThreadPoolExecutor(8) as people:
        pages = list(people.map(lambda number: sign_in(port, f"person {number}"), range(8)))
    assert all("is not right" in page for page in pages), pages[0]
    [server] = Path(f"/proc/{web.pid}/task/{web.pid}/children").read_text().split()
    status = Path(f"/proc/{server}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024 / 1e6


def sign_in(port, name):
    """The page that answers a sign-in with a name that nobody has: the same hashing as for any other."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    address = f"http://127.0.0.1:{port}/staff/login/"
    form = browser.open(address, timeout=30).read().decode()
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
    typed = {"csrfmiddlewaretoken": token, "username": name, "password": "a wrong password"}
    request = urllib.request.Request(address, urlencode(typed).encode(), {"Referer": address})
    return browser.open(request, timeout=30).read().decode()


def megabytes(pid):
    """The memory of a process and of all that it started, in 10^6 bytes."""
    smaps = Path(f"/proc/{pid}/smaps_rollup").read_text()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = int(re.search(r"^Pss:\s+(\d+) kB", smaps, re.MULTILINE)[1]) * 1024 / 1e6
    return own + sum(megabytes(child) for child in children)


def main():
    return show(figures())


if __name__ == "__main__":
    sys.exit(main())
