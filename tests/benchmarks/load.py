"""Many requests at once to one address, by wrk where it is installed, else by threads of our own."""

import re
import shutil
import subprocess
import threading
from http.client import HTTPConnection
from time import perf_counter
from typing import NamedTuple

UNITS = {"us": 0.001, "ms": 1, "s": 1000}


class Load(NamedTuple):
    """What a server did: requests a second, and how many milliseconds 99 of 100 took at most."""

    rate: float
    p99: float


def load(port: int, path: str, *, at_once: int = 16, seconds: float = 3, headers: dict | None = None) -> Load:
    """Ask for one page of 127.0.0.1 again and again over so many connections. Any answer but 200 raises."""
    ask = _wrk if shutil.which("wrk") else _threads
    return ask(port, path, at_once, seconds, headers or {})


def _wrk(port, path, at_once, seconds, headers):
    command = ["wrk", "--latency", "-t1", f"-c{at_once}", f"-d{round(seconds)}s"]
    command += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True
    ).stdout
    assert "Non-2xx" not in told and "Socket errors" not in told, told
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", told).groups()
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1]), float(number) * UNITS[unit])


def _threads(port, path, at_once, seconds, headers):
    took, end = [], perf_counter() + seconds

    def ask():
        connection = HTTPConnection("127.0.0.1", port)
        while (begin := perf_counter()) < end:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            took.append(1000 * (perf_counter() - begin))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(len(took) / seconds, sorted(took)[int(0.99 * len(took))])
