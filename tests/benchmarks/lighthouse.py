"""What Lighthouse says of the pages: `uv run python -m tests.benchmarks.lighthouse`.

The whole demo, started anew in an empty folder, and a page of each kind on Lighthouse's own slow phone:
a processor four times slower and 1.6 Mbit/s with 150 ms. The middle of three runs. It needs npx and a
Chromium, and ends with 1 where a page loses a point or comes too late.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from tests.benchmarks.scratch import free_port
from tests.benchmarks.table import Row, show

LIGHTHOUSE = "lighthouse@12.8.2"  # the newest that runs on Debian's Node
RUNS, TRIES = 3, 4
PAGES = {
    "the home page": "/",
    "a guide page": "/ketamine-for-migraine/does-it-work/",
    "a page about a type": "/migraine/types/with-aura/",
    "a location": "/locations/arlington/",
    "the start of a request": "/request-an-appointment/",
    "the search": "/search/",
}
NOT_TO_BE_FOUND = {"/search/"}  # by search engines, and that is meant


def figures():
    """The rows of the table, one after the other."""
    port, folder = free_port(), tempfile.mkdtemp()
    without_database = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    clinic = subprocess.Popen(
        [sys.executable, "manage.py", "runclinic", "--port", str(port)],
        env={**without_database, "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "clinic_site.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert any("Ctrl-C stops" in line for line in clinic.stdout), "the demo did not start"
        for name, path in PAGES.items():
            yield from rows(name, [judged(f"http://127.0.0.1:{port}{path}") for _ in range(RUNS)])
    finally:
        clinic.terminate()
        clinic.wait()
        shutil.rmtree(folder)


def judged(address):
    """Lighthouse's report of one page."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    command = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json"]
    command += ["--chrome-flags=--headless=new --no-sandbox"]
    if re.sub(r"^http://[^/]+", "", address) in NOT_TO_BE_FOUND:
        command.append("--skip-audits=is-crawlable")
    for _ in range(TRIES):  # on a busy machine Chromium may lose its trace
        told = subprocess.run(
            command, env={**os.environ, "CHROME_PATH": chromium}, stdout=subprocess.PIPE, text=True
        )
        if told.returncode == 0:
            return json.loads(told.stdout)
    raise AssertionError(f"Lighthouse could not judge {address}")


def rows(name, reports):
    def middle(audit):
        return statistics.median(report["audits"][audit]["numericValue"] for report in reports)

    for category in reports[0]["categories"]:
        lost = statistics.median(100 * (1 - report["categories"][category]["score"]) for report in reports)
        yield Row(f"{name}, lost of 100 for {category}", lost, "points", most=0)
    yield Row(f"{name}, largest paint", middle("largest-contentful-paint") / 1000, "s", most=1.2)
    yield Row(f"{name}, layout shift", middle("cumulative-layout-shift"), "", most=0)
    yield Row(f"{name}, blocked", middle("total-blocking-time"), "ms", most=0)
    for audit in reports[0]["audits"].values():
        if audit["score"] is not None and audit["score"] < 1 and audit["scoreDisplayMode"] != "informative":
            print(f"  {audit['id']}: {audit['title']} {audit.get('displayValue', '')}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(show(figures()))
