"""Requests that no browser sends, and those of browsers with one thing wrong, for `tests.faults.fuzz`.

Everything is found, nothing listed: addresses in the URLconf, forms in the pages, lists and their actions
in the admin. Each request is made from a random source of its own, so that one can be made again.
"""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from random import Random
from urllib.parse import quote, quote_plus

from django.contrib import admin
from django.test import RequestFactory
from django.urls import get_resolver, reverse

from tests import test_naughty as naughty
from tests.bookings.test_roles import routes

HOST = "testserver"
TOKEN = "a" * 32  # a CSRF secret of ours is its own token
METHODS = ["GET"] * 6 + ["POST"] * 8 + ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"]
FORM, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"
CHARSETS = ["undefined", "hex", "idna", "utf-16", "utf-7", "rot13", "base64", "latin-1", "x", "utf-8", "\x00"]
ORIGINS = [
    "http://[::1",
    "null",
    "http://a]b",
    "//",
    f"http://{HOST}",
    "http://evil.example",
    "\xff",
    "x" * 3000,
]
COOKIES = ['="\\000"', "=" + "\\" * 900, '="' + '\\"' * 400, "=é", "=" + "a" * 5000, "", '="\\012x"']
DAYS = ["0000-00-00", "0001-01-01", "1900-02-29", "2027-03-14", "2027-02-30", "9999-12-31", "10000-01-01"]
TIMES = ["00:00", "02:30", "23:59:60", "24:00", "99:99", "T00:00:00+00:00", " 00:00:00+14:00", " 23:59-14:00"]
YEARS = ["0", "1", "9999", "99999", "-1", "²", "2027", "1e3", "9" * 40]
NUMBERS = [
    "-1",
    "0",
    "1.5",
    "1e309",
    "NaN",
    "9" * 17,
    "9" * 19,
    "9" * 40,
    "9" * 5000,
    "0x7f",
    "١٢٣",
    "1_0",
    "x",
]
WORDS = [
    *(
        "",
        " ",
        "\t\r\n",
        "null",
        "\0",
        "a\0b",
        "\x1b[31m",
        "\x7f\x85\u2028",
        "\ufeff\u200b",
        "\u202eabc\u2066",
    ),
    *("' OR 1=1 --", "%%%", "%s%n", "{{ 7*7 }}{% debug %}", "(", "[", "(a+)+$", "../../etc/passwd", "a@b@c"),
    *(
        "=cmd|' /C calc'!A0",
        "Z̮̞̠͙͔ͅḀ̗̞͈̻̗",
        "👩‍👩‍👧‍👦🇺🇸",
        "\U0010ffff",
        "\ud7ff\uffff",
        "x" * 5000,
        "a" + "\u0301" * 500,
    ),
    *(
        "http://a.example/\r\nSet-Cookie: a=b",
        "//evil.example",
        "[" * 3000,
        "![" * 1500,
        "#" * 3000,
        "\n\n" * 999,
    ),
    *("| a " * 500 + "\n" + "|-" * 500, "> " * 900, "*" * 2000, "`" * 2000, "[@" * 900, "<b>" * 900),
]
# Bytes that are no text, as they stand in an address or a form.
BROKEN = ["%ff", "%ED%A0%80", "%C0%AF", "%F0%9F", "%", "%zz", "%00", "%0a", "%2F..%2F", "%FE%FF%00a"]
OPERATORS = (
    "exact iexact contains in gt gte lt lte range isnull regex iregex year month day week_day date hour"
)
OPERATORS = [
    *OPERATORS.split(),
    "year__lte",
    "month__in",
    "len",
    "0",
    "overlap",
    "has_key",
    "nothing",
    "isempty",
]
OF_A_FILTER = ["exact", "id__exact", "gte", "lt", "isnull"]
OF_A_LIST = [
    "q",
    "o",
    "p",
    "all",
    "e",
    "_facets",
    "_popup",
    "_to_field",
    "after",
    "before",
    "list",
    "status",
    "day",
]
FILLED = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


@dataclass
class Sent:
    """One request: the address as it is sent (without host), headers as WSGI names them, and a body."""

    role: str
    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    def __str__(self):
        body = f" {self.body[:300]!r}" if self.body else ""
        return f"{self.role}: {self.method} {self.path[:300]}?{self.query[:300]} {self.headers}{body}"


class Fields(HTMLParser):
    """The fields of the forms of a page that are sent by POST: names, and the values that they may have."""

    def __init__(self, page):
        super().__init__()
        self.found, self.is_in, self.name = {}, False, ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        if tag == "form":
            self.is_in = (has.get("method") or "").lower() == "post" and has.get("action") != "/display/"
        if not self.is_in:
            return
        if tag in ("input", "textarea", "select", "button") and has.get("name"):
            self.name = has["name"]
            self.found.setdefault(self.name, []).append(has.get("value") or "")
        elif tag == "option":
            self.found.setdefault(self.name, []).append(has.get("value") or "")

    def handle_endtag(self, tag):
        self.is_in = self.is_in and tag != "form"


class Rubbish:
    """Makes requests about `things`: realistic values by the name of what varies in a route.

    `look` answers with the page at an address as somebody of a role sees it, or "" where it is none.
    """

    def __init__(self, roles, things, look):
        self.roles, self.things, self.look, self.forms = roles, things, look, {}
        self.routes = sorted(set(routes(get_resolver().url_patterns)))
        self.lists = [
            (each, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
            for model, each in admin.site._registry.items()
        ]

    def make(self, source: Random) -> Sent:
        how = source.choice(
            [self.address, self.address, self.list, self.list, self.action, *[self.form] * 4, self.json]
        )
        sent = how(source, source.choice(self.roles))
        if sent.method == "POST":
            sent.headers.setdefault("HTTP_ORIGIN", f"http://{HOST}")
            sent.headers.setdefault("HTTP_X_CSRFTOKEN", TOKEN)
        if source.random() < 0.12:
            self.spoil(source, sent)
        return sent

    # What is asked for

    def path(self, source, route=None):
        route = route or source.choice(self.routes)
        if route.startswith("staff/logout"):
            route = "staff/"
        filled = FILLED.sub(lambda found: self.filling(source, found[1] or found[2]), route)
        return "/" + filled.replace("^", "").replace("$", "").replace("\\.", ".")

    def filling(self, source, name):
        if source.random() < 0.8:
            return quote(str(source.choice(self.things.get(name) or self.things["pk"])))
        return source.choice([*BROKEN, quote(self.value(source)[:300], safe="")])

    def value(self, source):
        kind = source.randrange(6)
        if kind == 0:
            return source.choice(DAYS) + source.choice(["", *TIMES])
        if kind == 1:
            return source.choice(NUMBERS + YEARS)
        if kind == 2:
            return str(source.choice(self.things["pk"]))
        return source.choice(WORDS if kind < 5 else naughty.NAUGHTY)

    def pair(self, source, name, value=None):
        value = self.value(source) if value is None else value
        escaped = source.choice(BROKEN) if source.random() < 0.04 else quote_plus(value)
        name = name + source.choice(["", "\0", "é"]) if source.random() < 0.02 else name
        return f"{quote_plus(name)}={escaped}"

    def address(self, source, role):
        names = [
            "next",
            "q",
            "start",
            "schedule",
            "location",
            "date",
            "from",
            "back",
            "e",
            "errors",
            "p",
            "term",
        ]
        names += [
            "first",
            "weeks",
            "field_name",
            "model_name",
            "app_label",
            "_changelist_filters",
            "submission",
        ]
        query = "&".join(self.pair(source, source.choice(names)) for _ in range(source.randrange(4)))
        sent = Sent(role, source.choice(METHODS), self.path(source), query)
        if sent.method == "POST":
            self.fill(source, sent, {source.choice(names): [self.value(source)] for _ in range(3)})
        return sent

    def list(self, source, role):
        model_admin, address = source.choice(self.lists)
        names = [each.name for each in model_admin.opts.get_fields()] + ["pk", "id", "user__password"]
        query = []
        offered = [each for each in model_admin.list_filter if isinstance(each, str)] or ["pk"]
        for _ in range(source.choice([1, 1, 1, 2, 4])):  # alone, one is not hidden behind another
            name = "__".join([source.choice(names), source.choice(OPERATORS)])
            if source.random() < 0.4:
                name = "__".join([source.choice(offered), source.choice(OF_A_FILTER)])
            name = source.choice([name, name, source.choice(OF_A_LIST), model_admin.date_hierarchy or name])
            if name == model_admin.date_hierarchy:
                query += [self.pair(source, f"{name}__year", source.choice(YEARS))]
                name += source.choice(["__month", "__day", "__gte"])
            query += [self.pair(source, name) for _ in range(source.choice([1, 1, 2]))]
        return Sent(role, source.choice(["GET", "GET", "HEAD", "POST"]), address, "&".join(query))

    def action(self, source, role):
        model_admin, address = source.choice(self.lists)
        request = RequestFactory().get(address)
        request.user = self.things["boss"]
        actions = [*model_admin.get_actions(request), "delete_selected", "x"]
        pk = lambda: str(source.choice(self.things["pk"])) if source.random() < 0.5 else self.value(source)  # noqa: E731
        data = {
            "action": [source.choice(actions)],
            "_selected_action": [pk() for _ in range(source.randrange(4))],
            "index": [source.choice(["0", "1", "-1", "x", "99"])],
            "select_across": [source.choice(["0", "1", "x"])],
        }
        data |= {name: ["1"] for name in ("_do", "post", "_save") if source.random() < 0.3}
        sent = Sent(role, "POST", address)
        self.fill(source, sent, {name: data[name] for name in data if source.random() < 0.9})
        return sent

    def form(self, source, role):
        """A form of a page as somebody fills it in, with some fields wrong."""
        for _ in range(6):
            path, found = self.form_at(role, source.choice(self.routes))
            if found:
                break
        data = {
            name: [source.choice(values)] for name, values in found.items() if not name.startswith("csrf")
        }
        for name in source.sample(sorted(data), min(len(data), source.randint(0, 3))):
            data[name] = [self.value(source) for _ in range(source.choice([0, 1, 1, 1, 2]))]
        sent = Sent(role, "POST", path)
        self.fill(source, sent, data)
        return sent

    def form_at(self, role, route):
        """Where this role finds a form at the route, and its fields; none in three tries is none.

        It is the same for all requests, so that one can be made again without those before it.
        """
        if (role, route) not in self.forms:
            for attempt in range(3 if FILLED.search(route) else 1):
                path = self.path(Random(f"{role} {route} {attempt}"), route)  # noqa: S311 - likewise
                found = Fields(self.look(role, path)).found
                if len(found) > 1:
                    break
            self.forms[role, route] = path, found if len(found) > 1 else {}
        return self.forms[role, route]

    def json(self, source, role):
        deep = source.choice([3, 60, 1200, 90_000])
        bodies = ["[" * deep, '{"a":' * deep, "[" * deep + "]" * deep, json.dumps({"id": self.value(source)})]
        bodies += [
            '{"a": "\\ud800"}',
            "7" * 6000,
            '{"rawId": 7, "id": "a", "response": {}}',
            "\xff{",
            "1e999",
        ]
        path = source.choice([self.path(source), *(f"/{one}" for one in self.routes if "passkey" in one)])
        sent = Sent(role, "POST", path, headers={"CONTENT_TYPE": JSON})
        sent.body = source.choice(bodies).encode("latin-1", "replace")
        return sent

    # How it is sent

    def fill(self, source, sent, data):
        """Write the body as a form; sometimes with parts, sometimes with what no form has."""
        pairs = [(name, value) for name, values in data.items() for value in values]
        if source.random() < 0.8:
            sent.headers["CONTENT_TYPE"] = FORM
            body = "&".join(self.pair(source, name, value) for name, value in pairs)
            sent.body = body.encode()
            return
        boundary = source.choice(["b", "b" * 60, "ö", '"', ""])
        sent.headers["CONTENT_TYPE"] = f"{MULTIPART}; boundary={boundary}"
        lines = []
        for name, value in pairs:
            more = source.choice(["", "", '; filename="a"', f"; name*={source.choice(CHARSETS)}''a", "; x"])
            kind = source.choice(["", "", f"\r\nContent-Type: text/plain; charset={source.choice(CHARSETS)}"])
            code = source.choice(["", "", "", "\r\nContent-Transfer-Encoding: base64"])
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
            lines.append(f"{head}{more}{kind}{code}\r\n\r\n{value}")
        sent.body = "\r\n".join([*lines, f"--{boundary}--\r\n"]).encode("utf-8", "surrogatepass")
        if source.random() < 0.2:
            sent.body = sent.body[: source.randrange(len(sent.body) + 1)]

    def spoil(self, source, sent):
        """One header that is wrong."""
        kind = sent.headers.get("CONTENT_TYPE", "text/plain")
        wrong = {
            "CONTENT_TYPE": [
                f"{kind}; charset={source.choice(CHARSETS)}",
                f"{kind}; charset*={source.choice(CHARSETS)}''x",
            ],
            "HTTP_ORIGIN": ORIGINS,
            "HTTP_REFERER": ORIGINS,
            "HTTP_HOST": ["", "a b", "[::1", "evil.example", f"{HOST}:99999", "\xff", HOST + "."],
            "HTTP_COOKIE": [
                source.choice(["sessionid", "csrftoken", "theme", "messages", ""]) + source.choice(COOKIES)
            ],
            "HTTP_X_CSRFTOKEN": ["", "\xff" * 32, "a" * 64, "x" * 5000],
            "HTTP_X_FORWARDED_FOR": ["x", "::ffff:1.2.3.4, [", "9" * 3000],
            "HTTP_ACCEPT_ENCODING": ["br;q=x", ";" * 500, "\xff"],
            "HTTP_IF_NONE_MATCH": ["*", '"', "x" * 3000],
            "HTTP_IF_MODIFIED_SINCE": ["Thu, 99 Foo 99999", "Mon, 01 Jan 0001 00:00:00 GMT", "\xff"],
            "HTTP_ACCEPT_LANGUAGE": [",".join(["en"] * 500), "\xff", "x" * 3000],
            "HTTP_USER_AGENT": ["", "\xff" * 900, "Chrome/" * 500],
            "CONTENT_LENGTH": ["", "-1", "x", "1", "²", "9" * 30, "262145"],
        }
        name = source.choice([*wrong, "CONTENT_TYPE"])
        sent.headers[name] = source.choice(wrong[name])
