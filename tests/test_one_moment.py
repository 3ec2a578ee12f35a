"""What a public page shows is of one moment: others save in between its queries, with real commits."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import InternalError, connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from bookings import availability, lifecycle, links
from bookings.views import places
from pages import replica
from tests import make
from tests.pages import make as pages

ADDRESS = {"host", "port", "user", "password", "dbname"}
pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def saved_before(table, *changes):
    """Somebody else commits these changes just before the first query of this page that reads the table.

    Each is SQL, or what is done in a thread, which has a connection of its own.
    """
    here = {name: value for name, value in connection.get_connection_params().items() if name in ADDRESS}
    left = list(changes)

    def wrapper(execute, sql, *rest):
        if left and f'FROM "{table}"' in sql:
            with psycopg.connect(make_conninfo(**here)) as other, ThreadPoolExecutor(1) as thread:
                while left:
                    change = left.pop(0)
                    other.execute(change) if isinstance(change, str) else thread.submit(change).result()
        return execute(sql, *rest)

    with connection.execute_wrapper(wrapper):
        yield
    assert not left, f"the page does not read {table}"


def test_a_location_is_shown_with_the_words_and_the_hours_of_one_moment(client):
    place = make.location(getting_here="We open at 9.")
    changes = [
        "UPDATE bookings_location SET getting_here = 'We open at 11.'",
        "UPDATE bookings_openinghours SET opens = '11:00'",
    ]

    with saved_before("bookings_openinghours", *changes):
        page = client.get(place.get_absolute_url()).text

    assert "We open at 9." in page and re.findall(r"(\d+:\d\d) am to", page) == ["9:00"] * 5
    assert re.findall(r"(\d+:\d\d) am to", client.get(place.get_absolute_url()).text) == ["11:00"] * 5


@pytest.mark.parametrize(("path", "table"), [("light", "pages_source"), ("light/all", "pages_source")])
def test_a_page_is_shown_with_the_sources_of_the_same_moment(client, path, table):
    pages.source(pmid="29923953", journal="Pain")
    pages.starter(pages.page("light", kind="hub" if path.endswith("all") else "article"))

    with saved_before(table, "UPDATE pages_source SET title = 'Another title'"):
        page = client.get(f"/{path}/").text

    assert "Another title" not in page
    assert "Another title" in client.get(f"/{path}/").text


def test_a_link_from_elsewhere_shows_the_place_and_its_free_times_of_one_moment(client):
    room = make.schedule()
    visit, place = room.visit_types.get(), room.location
    address = f"/request-an-appointment/?visit={visit.slug}&location={place.slug}"
    changes = [
        "UPDATE bookings_location SET name = 'Elsewhere'",
        "DELETE FROM bookings_openinghours",
    ]

    with saved_before("bookings_openinghours", *changes):
        page = client.get(address).text

    assert place.name in page and page.count("&amp;start=") == 6
    assert "&amp;start=" not in client.get(address).text


def test_a_patients_own_page_is_of_one_moment(client):
    now = timezone.now()
    room = make.schedule(make.location(weekdays=range(7)))
    asked = make.accepted(room, starts_at=in_days(room, 4, now=now), now=now)
    address = f"/manage/{links.token(asked, 'manage_request', now=now)}/"

    def cancel():
        lifecycle.cancel(asked, now=now)
        connection.close()

    with saved_before("bookings_appointment", cancel):
        page = client.get(address)

    assert page.status_code == 200
    assert "Your visit is booked" in page.text
    assert client.get(address).status_code == 410  # the link is old now


def in_days(room, days, *, now):
    """A free start of the room, some days ahead."""
    first = room.location.local(now).date() + timedelta(days=days)
    visit = room.visit_types.get()
    return availability.free_slots(visit, room.location, first, 3, now=now)[0].starts_at


def test_what_only_shows_cannot_write():
    place = make.location()

    for moment in (places.one_moment(), replica.one_moment("default")):
        with pytest.raises(InternalError, match="read-only"), moment:
            place.save()
