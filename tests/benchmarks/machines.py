"""What one process of each kind carries: `uv run python -m tests.benchmarks.machines`.

The site of `deploy/`, all on this machine (tests/faults/machines.py): pages, a form and a file a second from
one web server, through wrk; memory and connections of each process; bytes of a request in the database;
messages a second from one worker and from two. deploy/SCALE.md reckons with these.
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from tests.benchmarks.scratch import say  # first: it sets Django up

# isort: split
import psycopg
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Message, Schedule
from tests import make
from tests.faults.machines import NAME, Site, wait_until

SECONDS, REQUESTS = 10, 400
ADDRESSES = {
    "a page": "/migraine/types/with-aura/",
    "the same, made anew each time": "/migraine/types/with-aura/?new",
    "the first question of a request": "/request-an-appointment/who/",
    "/healthz": "/healthz",
}


def main(site):
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    for what, address in ADDRESSES.items():
        say(f"{what:<34}{asked_of(site, address)}")
    page = site.get("/migraine/types/with-aura/")
    say(f"{'a page, bytes':<34}{len(page.encode())}")
    files = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)))
    for file in files:
        say(f"  {file:<32}{len(site.get(file, packed=True))}")
    say(f"{'a file':<34}{asked_of(site, files[0])}")
    for name, process in site.running.items():
        say(f"{name:<34}{memory(process.pid):.0f} MB")
    say(f"{'connections to PostgreSQL':<34}{connections(site)}")
    before = transactions(site)
    time.sleep(30)
    say(f"{'transactions a second, idle':<34}{(transactions(site) - before) / 30:.1f}")
    mail(site)
    say(f"load {os.getloadavg()[0]:.1f} after")


class Measured(Site):
    def get(self, address, *, packed=False):
        headers = ["-H", f"Host: {NAME}", "-H", "X-Forwarded-Proto: https"]
        headers += ["-H", "Accept-Encoding: br, gzip"] if packed else []
        command = ["curl", "-s", *headers, f"http://127.0.0.1:{self.ports['web 1']}{address}"]
        words = subprocess.run(command, capture_output=True, check=True).stdout
        return words if packed else words.decode()

    def ask(self, sql):
        with psycopg.connect(self.url("postgres")) as line:
            return line.execute(sql).fetchall()


def asked_of(site, address):
    """Requests a second and how long they took, from one web server."""
    where = f"http://127.0.0.1:{site.ports['web 1']}{address}"
    headers = ["-H", f"Host: {NAME}", "-H", "X-Forwarded-Proto: https"]
    command = ["wrk", "-t1", "-c4", f"-d{SECONDS}s", "--latency", *headers, where]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "Non-2xx" not in said, said
    rate, half, most = (
        re.search(rf"^\s*{key}\s+(\S+)", said, re.M)[1] for key in ("Requests/sec:", "50%", "99%")
    )
    return f"{rate} a second, half within {half}, 99 of 100 within {most}"


def memory(pid):
    """Megabytes of a process and its children; what they share counts once."""
    pids = [
        pid,
        *subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True).stdout.split(),
    ]
    sizes = [Path(f"/proc/{int(pid)}/smaps_rollup").read_text() for pid in pids]
    return sum(int(re.search(r"^Pss:\s+(\d+)", words, re.M)[1]) for words in sizes) / 1024


def connections(site):
    rows = site.ask("SELECT client_port FROM pg_stat_activity WHERE usename = 'clinic_app'")
    ports = {str(port) for (port,) in rows}
    pids = {str(process.pid): name for name, process in site.running.items()}
    found = Counter()
    for line in subprocess.run(["ss", "-tnpH"], capture_output=True, text=True).stdout.splitlines():
        owner = re.search(r"pid=(\d+)", line)
        if owner and owner[1] in pids and line.split()[3].rpartition(":")[2] in ports:
            found[pids[owner[1]]] += 1
    return dict(found)


def transactions(site):
    return site.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = 'clinic'")[0][0]


def mail(site):
    """What requests weigh, and how fast the news of them leaves. The mail server says yes at once."""
    room, boss, starts = Schedule.objects.first(), make.staff(), iter(dict.fromkeys(site.starts))
    workers = [site.running[name] for name in site.running if "worker" in name]
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    before = site.ask("SELECT pg_database_size('clinic')")[0][0]
    for number in range(REQUESTS):
        start, now = datetime.fromisoformat(next(starts)), timezone.now()
        asking = make.asking(room, starts_at=start, now=now, email=f"anh@p{number}.example")
        asked = lifecycle.verify(lifecycle.submit(**asking), now=now)
        lifecycle.accept(asked, by=boss, now=now)
    grown = site.ask("SELECT pg_database_size('clinic')")[0][0] - before
    say(f"{'bytes of an accepted request':<34}{grown / REQUESTS:.0f}")
    say(f"{'messages of it':<34}{Message.objects.count() / REQUESTS:.1f}")
    news = Message.objects.filter(kind=Message.Kind.ACCEPTED)
    for number in (1, 2):
        news.update(status="queued", due_at=timezone.now(), attempts=0)
        began = time.monotonic()
        for worker in workers[:number]:
            worker.send_signal(signal.SIGCONT)
        wait_until(lambda: not news.filter(status__in=["queued", "sending"]).exists(), "no mail left")
        say(f"{f'messages a second, workers: {number}':<34}{REQUESTS / (time.monotonic() - began):.0f}")
        for worker in workers[:number]:
            worker.send_signal(signal.SIGSTOP)
    for worker in workers:
        worker.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="clinic-machines-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        site = Measured(folder)
        try:
            site.open()
            main(site)
        finally:
            site.close()
