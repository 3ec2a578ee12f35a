"""Patients are threads that walk through the whole journey over HTTP, as a browser without JavaScript does.

Where an answer is "try again" they do, with what they typed; where the connection is cut they press the
button once more. So whatever happens each of them ends with a request, or a promise broke.
"""

import re
import threading
import time
import uuid
from collections import Counter
from html import unescape
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from bookings.models import AppointmentRequest, Message
from tests.faults.stage import PATIENCE, Clinic, say

ANSWERS = {
    "who": "me",
    "visit": "visit",
    "where": "place",
    "patient_name": "Nguyễn Thị Ánh",
    "contact_by": "email",
}
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


class Asked(NamedTuple):
    """One request that was sent: when (seconds of the monotonic clock), and what came back."""

    began: float
    ended: float
    answer: str  # the status, or "cut"
    address: str


class Patients:
    """People who ask for visits, one after the other in each of so many threads, until they are stopped."""

    def __init__(self, where: Clinic, *, at_once=4):
        self.clinic, self.journal, self.acknowledged, self.astray = where, [], set(), []
        self.stopped, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.go_on) for _ in range(at_once)]
        self.readers = [threading.Thread(target=self.read)]

    def __enter__(self):
        for thread in [*self.threads, *self.readers]:
            thread.start()
        return self

    def __exit__(self, *error):
        self.stop()

    def stop(self):
        """Nobody begins anew; who has begun gets to the end."""
        self.stopped.set()
        for thread in [*self.threads, *self.readers]:
            thread.join()

    def go_on(self):
        while not self.stopped.is_set():
            with self.lock:
                start = next(self.clinic.starts)
            try:
                self.walk(Browser(self.clinic.ports, self.journal), start)
            except AssertionError as error:
                self.astray.append(str(error)[:300])

    def read(self):
        """Somebody who only reads, and does not try again."""
        browser = Browser(self.clinic.ports, self.journal)
        while not self.stopped.is_set():
            browser.once("GET", "/locations/")
            time.sleep(0.1)

    def walk(self, browser, start):
        email = f"anh@{uuid.uuid4().hex}.example"
        answers = {**ANSWERS, "start": start.isoformat(), "email": email}
        address = reverse("request_first_step")
        for _ in range(20):
            page = browser.until_answered("GET", address)
            answer = browser.until_answered("POST", address, {**answers, **page.hidden()})
            assert answer.leads_to, f"{address}: {answer.status}"
            address = answer.leads_to
            if address.endswith("/sent/"):
                self.acknowledged.add(email)
                assert browser.until_answered("GET", address).status == 200, address
                return
        raise AssertionError(f"going round in circles at {address}")

    def reads(self):
        return [asked for asked in self.journal if asked.address == "GET /locations/"]

    def started_after(self, instant):
        """What was answered, and not as it should be, to requests that began after `instant`."""
        return [
            asked for asked in self.journal if asked.began > instant and asked.answer not in ("200", "302")
        ]

    def judge(self, *, since=None, may=("503",)):
        """Print what was counted; what was broken, each with whether it was.

        `since` is when all is well again; until then answers may also be one of `may`.
        """
        answers = Counter(asked.answer for asked in self.journal)
        after = self.started_after(since) if since else []
        stored = Counter(AppointmentRequest.objects.values_list("email", flat=True))
        owed = Counter(Message.objects.filter(kind="verify").values_list("request__email", flat=True))
        missing = self.acknowledged - set(stored)
        doubled = [email for email, number in stored.items() if number > 1]
        slowest = max((asked.ended - asked.began for asked in self.journal), default=0)
        say(
            f"  requests sent {len(self.journal)} {dict(answers)}, slowest {slowest:.1f} s; "
            f"after it {len(after)} wrong; journeys acknowledged {len(self.acknowledged)}, "
            f"stored {len(stored)}, missing {len(missing)}, doubled {len(doubled)}, astray {len(self.astray)}"
        )
        for amiss in [*self.astray[:3], *after[:3]]:
            say(f"    {amiss}")
        return {
            "an acknowledged request is missing": missing,
            "one request stands twice": doubled,
            "a request owes no message, or owes it twice": owed != Counter(dict.fromkeys(stored, 1)),
            "a patient did not get through": self.astray,
            "an answer that was not meant": set(answers) - {"200", "302", *may},
            "an error after it was over": after,
            "nobody asked": not self.acknowledged,
        }


class Answer(NamedTuple):
    status: int
    leads_to: str | None
    words: str

    def hidden(self):
        return {name: unescape(value) for name, value in HIDDEN.findall(self.words)}


class Browser:
    """Keeps cookies. Tries the other web process where one does not answer, as a proxy would."""

    def __init__(self, ports, journal):
        self.ports, self.journal, self.cookies = list(ports), journal, SimpleCookie()

    def until_answered(self, method, address, answers=None):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.once(method, address, answers)
            if answer and answer.status in (200, 302):
                return answer
            assert not answer or answer.status >= 500, f"{method} {address}: {answer.status}"
            time.sleep(0.2)
        raise AssertionError(f"{method} {address}: no answer for {PATIENCE} s")

    def once(self, method, address, answers=None):
        began = time.monotonic()
        try:
            answer = self.ask(method, address, answers)
        except (OSError, HTTPException):
            answer = None
            self.ports.append(self.ports.pop(0))
        said = str(answer.status) if answer else "cut"
        self.journal.append(Asked(began, time.monotonic(), said, f"{method} {address}"))
        return answer

    def ask(self, method, address, answers):
        cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        line = HTTPConnection("127.0.0.1", self.ports[0], timeout=30)
        headers = {"Cookie": cookies, "Origin": f"http://127.0.0.1:{self.ports[0]}"}
        body = None
        if answers is not None:
            body, headers["Content-Type"] = urlencode(answers), "application/x-www-form-urlencoded"
        try:
            line.request(method, address, body, headers)
            response = line.getresponse()
            words = response.read().decode()
        finally:
            line.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        return Answer(response.status, response.headers["Location"], words)
