"""What a public page costs: `uv run python -m tests.benchmarks.pages`.

A guide page of the whole site, warm, beside a bare function that returns the same bytes with the same
headers on the same web server, beside the same site without its page cache, and beside nginx with the
same bytes as a file, where there is nginx. Each server has the first core for itself, the load comes
from another one, and the middle of several rounds in turn is given: of a busy machine trust the ratios
only. Then how soon an approval shows on two processes, and what a first look weighs. It ends with 1
where a promise is broken.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path

from tests.benchmarks.scratch import (  # first: it sets Django up
    free_port,
    on_core,
    scratch_database,
    wait_for,
    web_server,
)

# isort: split
import brotli
from django.core.management import call_command

from tests.benchmarks.load import load
from tests.benchmarks.table import Row, show
from tests.pages import make

GUIDE = "/ketamine-for-migraine/does-it-work/"
BROTLI = {"Accept-Encoding": "br"}
ROUNDS = 5
NOT_OURS = {"date", "server", "transfer-encoding", "connection", "keep-alive"}
SITE, UNCACHED = "clinic_site.wsgi:application", "tests.benchmarks.uncached:application"
BARE = "tests.benchmarks.bare:application"
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 256; }}
http {{ access_log off; default_type text/html; keepalive_requests 1000000; sendfile on;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{port}; root {folder}; }} }}
"""


def figures():
    """The rows of the table, one after the other."""
    with scratch_database("benchmark_pages"):
        call_command("load_pages", stdout=StringIO())
        yield from speed()
        yield from freshness()
        yield from weight()


def speed():
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, web_server(SITE, core=cores[0]) as ours:
        keep_answer(ours, Path(folder))
        bare = web_server(BARE, core=cores[0], BARE=folder)
        with (
            bare as bare,
            nginx(Path(folder), cores[0]) as static,
            web_server(UNCACHED, core=cores[0]) as raw,
        ):
            os.sched_setaffinity(0, cores[1:] or cores)  # the load, from here on
            try:
                ports = {"ours": (ours, GUIDE), "bare": (bare, "/")}
                ports |= {"nginx": (static, "/body")} if static else {}
                measured = {name: [] for name in ports}
                for _ in range(ROUNDS):
                    for name, (port, path) in ports.items():
                        measured[name].append(load(port, path, headers=BROTLI, seconds=2))
                uncached = load(raw, GUIDE, at_once=4, seconds=4, headers=BROTLI)
            finally:
                os.sched_setaffinity(0, cores)
    ours, bare = middle(measured["ours"]), middle(measured["bare"])
    name = "a guide page"
    yield Row(name, ours.rate, "/s", bare.rate, "bare WSGI function", least_ratio=0.6)
    if "nginx" in measured:
        yield Row(name, ours.rate, "/s", middle(measured["nginx"]).rate, "nginx, a static file")
    yield Row(name, ours.rate, "/s", uncached.rate, "without the page cache", least_ratio=15)
    yield Row(f"{name}, 99 of 100 within", ours.p99, "ms", bare.p99, "bare WSGI function", most_ratio=3)


def middle(loads):
    """The middle of each column."""
    return type(loads[0])(*map(statistics.median, zip(*loads, strict=True)))


def keep_answer(port, folder):
    """The page's bytes and headers in files, for those who are to return the same."""
    headers, body = kept(port, GUIDE)
    (folder / "body").write_bytes(body)
    (folder / "headers").write_text(json.dumps(headers))


def kept(port, path):
    """An answer from memory; the first readers come before the database has said its first number."""
    while "etag" not in dict((answered := answer(port, path))[0]):
        time.sleep(0.1)
    return answered


def answer(port, path):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=BROTLI)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, path
    connection.close()
    pairs = [(name.lower(), value) for name, value in response.getheaders()]
    return [pair for pair in pairs if pair[0] not in NOT_OURS], body


@contextmanager
def nginx(folder, core):
    """The port of an nginx that serves the folder, or None where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        yield None
        return
    port, user = free_port(), "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, user=user))
    server = subprocess.Popen(
        [program, "-p", folder, "-c", folder / "nginx.conf"],
        stderr=subprocess.DEVNULL,
        preexec_fn=on_core(core),
    )
    try:
        wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait()


def freshness():
    """How long after an approval the last of two processes shows it."""
    page, waits, writer, reviewer = make.page("light", "plain"), [], make.writer(), make.reviewer()
    make.starter(page)
    with web_server(SITE) as first, web_server(SITE) as second:
        for number in range(5):
            until_shown([first, second], b"Light")  # both keep it
            revision = make.proposed(page, by=writer, title=f"Light {number}")
            time.sleep(0.37 * number)  # at different instants of the second
            make.approved(revision, by=reviewer)
            waits.append(until_shown([first, second], f"Light {number}".encode()))
    yield Row("an approval shows on two processes after", max(waits), "s", most=2)


def until_shown(ports, words):
    begin = time.monotonic()
    while not all(words in unpacked(answer(port, "/light/")) for port in ports):
        time.sleep(0.01)
        assert time.monotonic() - begin < 30
    return time.monotonic() - begin


def unpacked(answered):
    headers, body = answered
    return brotli.decompress(body) if dict(headers).get("content-encoding") == "br" else body


def weight():
    """Packed bytes of the guide page, and of all that the first look at a page of the site asks for."""
    with web_server(SITE) as port:
        page = kept(port, GUIDE)
        pattern = r'(?:stylesheet" href|script src|icon" href)="(/static/[^"]+)"'
        files = [answer(port, path)[1] for path in re.findall(pattern, unpacked(page).decode())]
    guide = len(page[1])
    first = [guide, *(len(brotli.compress(file)) for file in files)]  # as WhiteNoise packs what is collected
    yield Row("the HTML of a guide page, packed", guide / 1000, "kB", most=14)
    yield Row(f"the first page, in {len(first)} requests", sum(first) / 1000, "kB", most=40)


def main():
    return show(figures())


if __name__ == "__main__":
    sys.exit(main())
