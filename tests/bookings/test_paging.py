"""Long lists by the page: each row once, whatever the order, and nothing is counted that need not be."""

import re
import uuid

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings import trail
from bookings.admin import paging
from bookings.admin.trail import ViewingAdmin
from bookings.admin.worklist import AppointmentRequestAdmin
from bookings.models import AppointmentRequest, Event, Schedule, Viewing
from tests import make

pytestmark = pytest.mark.django_db
LIST, TRAIL = "/staff/bookings/appointmentrequest/", "/staff/bookings/viewing/"


@pytest.fixture
def boss():
    return make.staff()


@pytest.fixture
def desk(client, boss, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)
    monkeypatch.setattr(AppointmentRequestAdmin, "list_per_page", 4)
    monkeypatch.setattr(ViewingAdmin, "list_per_page", 4)
    client.force_login(boss)
    return client


def copies(asked, count, **columns):
    """So many more requests like this one, in one statement; `columns` are expressions in SQL with n."""
    names = [
        field.column
        for field in AppointmentRequest._meta.concrete_fields
        if not field.generated and not field.primary_key
    ]
    columns = {"submission": "gen_random_uuid()", "reference": "'C' || lpad(n::text, 8, '0')", **columns}
    table = AppointmentRequest._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) "  # noqa: S608
            f"SELECT {', '.join(columns.get(name, name) for name in names)} "
            f"FROM {table}, generate_series(1, {count}) AS n WHERE id = {asked.pk}"
        )


def walk(model, query, link, *, by):
    """The keys on each page of a list from this address on along the links; and the last address."""
    pages = []
    while query:
        request = RequestFactory().get("/", QUERY_STRING=query.removeprefix("?"))
        request.user = by
        shown = admin.site.get_model_admin(model).get_changelist_instance(request)
        pages.append([row.pk for row in shown.result_list])
        assert len(pages) < 30
        last, query = query, getattr(shown, link)
    return pages, last


# What all of a list have (created_at is the same for most), a name, a column where some have nothing.
ORDERS = ["list=all", "list=all&o=2", "list=needs_reply&o=3", "list=needs_reply&o=5", "list=needs_reply&o=-5"]
ORDERS += ["list=unverified", "q=nguyen"]


def test_every_page_s_rows_come_once_and_only_once_forward_and_back(desk, boss):
    """Also where many rows share an instant, a name or a deadline, or have nothing in the column."""
    asked = make.confirmed()
    copies(asked, 6)  # all alike
    call = {"asks_for": "'call'", "wanted_at": "NULL", "visit_type_id": "NULL"}
    copies(asked, 5, reference="'D' || lpad(n::text, 8, '0')", **call)
    copies(asked, 5, reference="'E' || lpad(n::text, 8, '0')", status="'unverified'", is_suspect="n % 2 = 0")
    copies(
        asked,
        4,
        reference="'F' || lpad(n::text, 8, '0')",
        status="'declined'",
        reason="'no_time'",
        expires_at="NULL",
        patient_name="'Ada ' || n % 3",
        created_at="created_at + n % 2 * interval '1 day'",
    )
    counts = {}
    for query in ORDERS:
        forward, last = walk(AppointmentRequest, query, "next", by=boss)
        back, _ = walk(AppointmentRequest, last, "previous", by=boss)
        rows = [key for page in forward for key in page]
        assert rows == [key for page in reversed(back) for key in page], query
        assert len(rows) == len(set(rows)), query
        counts[query] = len(rows)

    assert counts == {
        **dict.fromkeys(ORDERS[:2], 21),
        **dict.fromkeys(ORDERS[2:5], 12),
        "list=unverified": 5,
        "q=nguyen": 17,
    }


def test_the_links_keep_the_filters_and_other_links_lead_to_the_beginning(desk):
    asked = make.confirmed()
    copies(asked, 5)
    place = f"location__id__exact={asked.location_id}"

    first = desk.get(f"{LIST}?list=all&{place}&o=2").context_data["cl"]
    page = desk.get(f"{LIST}{first.next}")
    links = re.findall(r'href="(\?[^"]*)"', page.content.decode())

    assert first.next == f"?after={first.result_list[-1].pk}&list=all&{place}&o=2"
    # These alone name a row: “First page” and all filters and heads of columns do not.
    assert [link for link in links if "after=" in link or "before=" in link] == [
        f"?before={page.context_data['cl'].result_list[0].pk}&amp;list=all&amp;{place}&amp;o=2"
    ]


def test_a_page_that_begins_at_no_row_is_the_first_page_and_says_so(desk):
    asked = make.confirmed()
    copies(asked, 5)
    first = desk.get(LIST).context_data["cl"].result_list

    for key in ["after=0", "before=0", "after=x", "after=" + "9" * 40, "after=²"]:
        response = desk.get(f"{LIST}?{key}")

        assert response.context_data["cl"].result_list == first, key
        assert "That page began at a row that is no longer there." in response.content.decode()


def test_a_page_goes_on_after_a_row_that_has_left_the_list(desk, boss):
    copies(make.confirmed(), 8)
    first = desk.get(LIST).context_data["cl"]
    AppointmentRequest.objects.filter(pk=first.result_list[-1].pk).update(status="withdrawn", expires_at=None)

    after, _ = walk(AppointmentRequest, first.next, "next", by=boss)

    assert [len(page) for page in after] == [4, 1]


def test_a_long_list_is_sorted_only_by_what_has_an_index(desk):
    copies(make.confirmed(), 3)
    usual = [row.pk for row in desk.get(f"{LIST}?list=all").context_data["cl"].result_list]

    for order in ["4", "-7", "6.1", "99", "x", "-", "²"]:
        shown = desk.get(LIST, {"list": "all", "o": order}).context_data["cl"]
        assert [row.pk for row in shown.result_list] == usual, order


def test_what_is_many_is_said_about_and_what_is_few_exactly(desk, monkeypatch):
    asked = make.confirmed()
    assert desk.get(LIST).context_data["cl"].how_many == "1 appointment request"
    copies(asked, 9)
    assert desk.get(LIST).context_data["cl"].how_many == "10 appointment requests"

    monkeypatch.setattr(paging, "COUNTED", 9)
    page = desk.get(LIST)
    more = page.context_data["cl"]
    opts = AppointmentRequest._meta

    assert more.how_many in ("more than 9 appointment requests", "about 10 appointment requests")
    assert page.content.decode().count(more.how_many) == 2  # beside the search, and below the table
    assert "10 found" not in page.content.decode() and "4 found" not in page.content.decode()
    assert more.result_count == 4  # no more than these can be chosen
    numbers = {9: "more than 9", 12: "about 10", 87_432: "about 90,000", 960_000: "about 1,000,000"}
    assert {number: paging.about(number, opts) for number in numbers} == {
        number: f"{words} appointment requests" for number, words in numbers.items()
    }


def test_the_pages_of_the_trail_come_once_as_well(desk, boss):
    asked = make.confirmed()
    for _ in range(10):
        trail.viewed(boss, [asked], kind=trail.Kind.RECORD, now=make.NOW)

    forward, last = walk(Viewing, "o=1", "next", by=boss)
    back, _ = walk(Viewing, last, "previous", by=boss)

    assert [len(page) for page in forward] == [4, 4, 2]
    assert (
        forward == back[::-1] == [list(page) for page in _fours(Viewing.objects.values_list("pk", flat=True))]
    )


def _fours(keys):
    return [keys[at : at + 4] for at in range(0, len(keys), 4)]


# How many questions a page asks of the database, among them two for the session and who is signed in.
# The one by which a session stays in use is not among them.
QUESTIONS = {
    "/staff/": 26,
    LIST: 18,
    f"{LIST}?list=all": 18,
    f"{LIST}?list=today": 15,
    f"{LIST}?list=all&q=nguyen": 19,
    f"{LIST}?list=all&q=nguyne": 23,
    f"{LIST}?status=pending&day=2027-03-10": 20,
    f"{LIST}{{}}/change/": 22,
    f"{LIST}{{}}/history/": 14,
    "/staff/bookings/appointment/?date=2027-03-10": 12,
    "/staff/bookings/appointment/week/?date=2027-03-10": 10,
    "/staff/reports/?until=2027-03-10": 16,
    "/staff/export/?list=needs_reply": 12,
    TRAIL: 4,
    f"{TRAIL}?q={{reference}}": 6,
}


def test_the_pages_ask_as_many_questions_with_thirty_rows_as_with_one(client, boss, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)
    client.force_login(boss)
    asked = make.confirmed()
    make.waitlisted(Schedule.objects.get())
    visit = asked.appointments.get()

    def counts():
        found = {}
        for page in QUESTIONS:
            address = page.format(asked.pk, reference=asked.reference)
            with CaptureQueriesContext(connection) as questions:
                assert client.get(address).status_code == 200
            found[page] = sum("bookings_staffsession" not in question["sql"] for question in questions)
        return found

    for page in ("/staff/", f"{LIST}{asked.pk}/history/"):
        client.get(page)  # what Django remembers of kinds of content is asked once
    with_one = counts()
    copies(asked, 29)
    for copy in AppointmentRequest.objects.filter(reference__startswith="C"):
        visit.pk, visit.request, visit.uid, visit.status = None, copy, uuid.uuid4(), "fulfilled"
        visit.save(force_insert=True)
        Event.objects.create(request=copy, verb="submit", to_status="pending", at=make.NOW)
        Event.objects.create(request=asked, verb="phone", to_status="pending", by=boss, at=make.NOW)

    assert (with_one, counts()) == (QUESTIONS, QUESTIONS)
