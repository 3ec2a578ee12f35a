"""Clients that mean no good, or are very slow: `uv run python -m tests.faults.hostile`.

Bytes as they are, past every library: to the web server itself, and through nginx where it is installed.
"""

import re
import resource
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.stage import clinic, free_port, main, say, wait_until

SLOW = 1000
PHONE = "(703) 555-0142"
PASSKEY = "/staff/passkey/authentication/begin/"
FORM = "/request-an-appointment/call/"
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    client_header_timeout 10s; client_body_timeout 10s; client_max_body_size 256k;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_set_header Host $host:{behind}; }}
    }}
}}
"""


@contextmanager
def nginx(behind):
    """An nginx in front of that port, yielding its own; None where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        say("  nginx is not installed: tried without it alone")
        yield None
        return
    port = free_port()
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, behind=behind))
    process = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf"])
    try:
        wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), "nginx did not start")
        yield port
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def send(port, data, *, wait=5):
    """The status and the words of what comes back; 0 where the line is closed without a word."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as line:
        with suppress(OSError):  # it may hang up before all was sent
            line.sendall(data)
        came = b""
        with suppress(OSError):
            while piece := line.recv(65536):
                came += piece
    status = came.split(b" ", 2)[1:2]
    return int(status[0]) if status and status[0].isdigit() else 0, came.decode(errors="replace")


def _head(line="GET / HTTP/1.1", *headers, host=True):
    lines = [line, *(["Host: 127.0.0.1"] if host else []), *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _post(*headers, body=b"a=b", path=FORM):
    kind = "Content-Type: application/x-www-form-urlencoded"
    return _head(f"POST {path} HTTP/1.1", kind, *headers) + body


# Each with whether Django must be the one who answers, in our look.
MALFORMED = {
    "a header of 100 kB": (_head("GET / HTTP/1.1", "X: " + "x" * 100_000), False),
    "1000 headers": (_head("GET / HTTP/1.1", *(f"X-{n}: x" for n in range(1000))), False),
    "two lengths": (_post("Content-Length: 3", "Content-Length: 30"), False),
    "a length and chunks": (_post("Content-Length: 3", "Transfer-Encoding: chunked"), False),
    "a length that is no number": (_post("Content-Length: many"), False),
    "a length below zero": (_post("Content-Length: -1"), False),
    "chunks that are none": (_post("Transfer-Encoding: chunked", body=b"zz\r\nab\r\n0\r\n\r\n"), False),
    "an unknown encoding": (_post("Transfer-Encoding: rot13"), False),
    "another host": (_head(host=False).replace(b"\r\n", b"\r\nHost: evil.example\r\n", 1), True),
    "a host that is none": (_head(host=False).replace(b"\r\n", b"\r\nHost: a b/@\r\n", 1), True),
    "no host": (_head(host=False), False),
    "two hosts": (_head("GET / HTTP/1.1", "Host: evil.example"), False),
    "an absolute address elsewhere": (_head("GET http://evil.example/nowhere/ HTTP/1.1"), False),
    "a NUL in the path": (_head("GET /\0 HTTP/1.1"), False),
    "an escaped NUL": (_head("GET /%00 HTTP/1.1"), True),
    "a NUL in a header": (_head("GET / HTTP/1.1", "X: \0"), False),
    "TRACE": (_head(f"TRACE {FORM} HTTP/1.1"), True),
    "CONNECT": (_head("CONNECT evil.example:443 HTTP/1.1"), False),
    "an unheard-of method": (_head("BREW / HTTP/1.1"), True),
    "an address of 9 kB": (_head(f"GET /{'x' * 9000} HTTP/1.1"), True),
    "an address of 100 kB": (_head(f"GET /{'x' * 100_000} HTTP/1.1"), False),
    "a body of 300 kB": (_post("Content-Length: 300002", body=b"a=" + b"x" * 300_000), True),
    "a body that is cut": (_post("Content-Length: 300", body=b"a=b"), False),
    "201 fields": (_post("Content-Length: 803", body=b"&".join([b"a=b"] * 201)), True),
    "a file": (
        _head(f"POST {FORM} HTTP/1.1", "Content-Type: multipart/form-data; boundary=b", "Content-Length: 85")
        + b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nx\r\n--b--\r\n'.ljust(85),
        True,
    ),
    "a form without its boundary": (
        _head(f"POST {FORM} HTTP/1.1", "Content-Type: multipart/form-data", "Content-Length: 3") + b"abc",
        True,
    ),
    "out of the folder": (_head("GET /static/../../../etc/passwd HTTP/1.1"), True),
    "out of the folder, escaped": (_head("GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), True),
    "a charset that is none": (
        _head("GET /locations/?a=b HTTP/1.1", "Content-Type: text/plain; charset=undefined"),
        True,
    ),
    "a charset in code": (_head("GET /nowhere/ HTTP/1.1", "Content-Type: text/plain; charset*=x''y"), True),
    "an origin that is none": (_head("POST /display/ HTTP/1.1", "Origin: http://[::1"), True),
    "cookies of 9 kB": (_head("GET /nowhere/ HTTP/1.1", "Cookie: a=" + "\\" * 9000), True),
    "a broken cookie": (_head("GET /nowhere/ HTTP/1.1", "Cookie: sessionid=\xff\xfe; =;;;"), True),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", False),
    "HTTP/9.9": (_head("GET / HTTP/9.9"), False),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", False),
}


def malformed():
    """Requests that no browser sends get 4xx, or the line is closed; never an error of ours, never a page."""
    with clinic(workers=0) as here, nginx(here.ports[0]) as front:
        wrong = []
        for port in filter(None, [here.ports[0], front]):
            found = {name: send(port, data) for name, (data, _) in MALFORMED.items()}
            say(
                f"  {'behind nginx' if port == front else 'directly'}: "
                + ", ".join(f"{name} {status}" for name, (status, _) in found.items())
            )
            for name, (status, words) in found.items():
                # 301 adds the slash that is missing; nginx alone says 501 and 505, and means it.
                if not (
                    status in (0, 301) or 400 <= status < 500 or (port == front and status in (501, 505))
                ):
                    wrong.append(f"{name}: {status}")
                elif port != front and status != 301 and MALFORMED[name][1] and PHONE not in words:
                    wrong.append(f"{name}: {status} and not our page")
        well = send(here.ports[0], _head("GET /locations/ HTTP/1.1"))[0]
        for amiss in wrong:
            say(f"    {amiss}")
        errors = here.words_of_the_log().count("Traceback")
        return {
            "a wrong answer": wrong,
            "it does not answer after it": well != 200,
            "errors in the log": errors,
        }


def deep_json():
    """Whoever sends JSON as deep as it goes is told to sign in, and everybody else is answered meanwhile."""
    with clinic(workers=0) as here:
        port = here.ports[0]
        _, words = send(port, _head("GET /staff/login/ HTTP/1.1"))
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', words)[1]
        cookies = "; ".join(re.findall(r"(?im)^set-cookie: ([^;]+)", words))
        answers = []
        for deep in (1200, 1200, 1200, 1200, 150_000):
            more = ["Content-Type: application/json", f"Cookie: {cookies}", f"X-CSRFToken: {token}"]
            head = _head(f"POST {PASSKEY} HTTP/1.1", *more, f"Content-Length: {deep}")
            answers.append(send(port, head + b"[" * deep)[0])
        say(f"  answers: {answers}")
        return {
            "somebody is let in, or nobody is answered": set(answers) != {403},
            "it does not answer after it": not here.answers(),
        }


def _slowly(port, begun):
    """How many lines with these first bytes stand open, and the seconds that 20 readers wait meanwhile."""
    lines = []
    for _ in range(SLOW):
        with suppress(OSError):
            line = socket.create_connection(("127.0.0.1", port), timeout=5)
            line.sendall(begun)
            lines.append(line)
    took = []
    while len(took) < 20 and sum(took) < 10:
        began = time.monotonic()
        send(port, _head("GET /locations/ HTTP/1.1"), wait=10)
        took.append(time.monotonic() - began)
    for line in lines:
        line.close()
    return len(lines), took


def slow_clients():
    """A thousand clients that send half a header, or half a form to a proxy, do not keep others waiting."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    half = {
        "half a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        "half a form": _post("Content-Length: 1000"),
    }
    broken = {}
    with clinic(workers=0) as here, nginx(here.ports[0]) as front:
        for port in filter(None, [front, here.ports[0]]):  # who is stuck is last
            for name, begun in half.items():
                opened, took = _slowly(port, begun)
                how = f"{name} {'behind nginx' if port == front else 'directly'}"
                say(f"  {how}: {opened} open, {len(took)} readers, slowest {max(took):.2f} s")
                # Nobody promises a form without a proxy: granian has no time limit for a body.
                is_promised = port == front or name == "half a header"
                broken[f"{how}: others waited"] = is_promised and max(took) > 1
                time.sleep(1)
    return broken


if __name__ == "__main__":
    main(malformed, deep_json, slow_clients)
