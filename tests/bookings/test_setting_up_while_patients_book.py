"""Staff save their forms while patients hold what these change: threads, real locks, real commits."""

import re
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from bookings import lifecycle
from bookings.admin.clinic import LocationAdmin
from bookings.models import AppointmentRequest, Closure, Location, Note, Schedule
from tests import make
from tests.bookings.test_phone import PHONE, call

ADDRESS = {"host", "port", "user", "password", "dbname"}
BUSY = "Somebody is booking here right now. Nothing was saved; press Save again."
CHAIRS = "SELECT 1 FROM bookings_schedule WHERE id = %s FOR UPDATE"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place():
    """Three chairs, in lists in the other order than they were made."""
    place, visit = make.location(weekdays=range(7)), make.visit_type()
    for number in range(3):
        chair = make.schedule(place, visit, f"Chair {number + 1}")
        Schedule.objects.filter(pk=chair.pk).update(position=9 - number)
    return place


@pytest.fixture
def other():
    """A connection of somebody else's, which says what it waits for."""
    here = {name: value for name, value in connection.get_connection_params().items() if name in ADDRESS}
    with psycopg.connect(make_conninfo(**here)) as opened:
        yield opened


@pytest.fixture
def desk(client):
    client.force_login(make.staff())
    return client


def filled(client, address):
    """What a browser would send of the form at this address, as it stands there."""
    page = client.get(address)
    forms = [page.context["adminform"].form]
    forms += [form for inline in page.context["inline_admin_formsets"] for form in inline.formset.forms]
    forms += [inline.formset.management_form for inline in page.context["inline_admin_formsets"]]
    sent = {}
    for field in (field for form in forms for field in form):
        value = field.value()
        if isinstance(value, bool):
            value = "on" if value else ""
        if value not in (None, ""):
            sent[field.html_name] = [str(one) for one in value] if isinstance(value, list) else str(value)
    return sent


def change(place, client):
    """The form of the location, each chair renamed."""
    address = f"/staff/bookings/location/{place.pk}/change/"
    sent = filled(client, address)
    for name in [name for name in sent if re.fullmatch(r"schedules-\d-name", name)]:
        sent[name] += " by the window"
    return address, {**sent, "street": "2 Other Street"}


@contextmanager
def acting(act):
    """What somebody does meanwhile, in a thread of its own."""
    found = []

    def run():
        try:
            found.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield found
    thread.join(10)


def wait_for(number):
    """Until so many wait for a lock."""
    deadline = time.monotonic() + 5
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    waiting += " AND datname = current_database()"
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            if cursor.execute(waiting).fetchone()[0] == number:
                return
            time.sleep(0.01)
    raise AssertionError(f"not {number} wait for a lock")


def impatient(client, setting):
    """Whoever saves gives up sooner than the database would by itself."""

    def post(*given):
        with connection.cursor() as cursor:
            cursor.execute(f"SET {setting}")
        return client.post(*given)

    return post


def test_a_location_is_saved_while_patients_take_its_chairs_without_a_deadlock(
    place, desk, other, monkeypatch
):
    """The chair in the middle is held until a patient and the manager both stand in front of it."""
    address, sent = change(place, desk)
    first, middle, _ = Schedule.objects.order_by("pk")
    room = make.asking(first, now=make.NOW)
    other.execute(CHAIRS, [middle.pk])
    tried, save_model = [], LocationAdmin.save_model
    monkeypatch.setattr(LocationAdmin, "save_model", lambda *given: tried.append(save_model(*given)))

    save = impatient(desk, "deadlock_timeout = '50ms'")
    with acting(lambda: lifecycle.submit(**room)) as asked:
        wait_for(1)
        with acting(lambda: save(address, sent)) as saved:
            wait_for(2)
            other.rollback()

    assert [answer.status_code for answer in saved] == [302]
    assert ([request.status for request in asked], len(tried)) == (["unverified"], 1)
    assert {chair.name for chair in Schedule.objects.all()} == {
        f"Chair {number} by the window" for number in (1, 2, 3)
    }
    assert Location.objects.get().street == "2 Other Street"


def test_a_manager_who_loses_a_deadlock_is_tried_once_more(place, desk, other):
    """A patient's offer refers to the location before it takes a chair; the manager changes its address."""
    address, sent = change(place, desk)
    chair = Schedule.objects.order_by("pk")[0]
    other.execute("SELECT 1 FROM bookings_location FOR KEY SHARE")

    def save():
        return impatient(desk, "deadlock_timeout = '50ms'")(address, {**sent, "slug": "elsewhere"})

    with acting(save) as saved:
        wait_for(1)
        other.execute(CHAIRS, [chair.pk])
        other.commit()

    assert [answer.status_code for answer in saved] == [302]
    assert Location.objects.get().slug == "elsewhere"


def test_while_a_patient_keeps_a_chair_the_form_comes_back_with_all_that_was_typed(place, desk, other):
    address, sent = change(place, desk)
    chair = Schedule.objects.order_by("pk")[1]
    other.execute(CHAIRS, [chair.pk])

    answer = impatient(desk, "lock_timeout = '50ms'")(address, sent)

    assert answer.status_code == 200 and BUSY in answer.text
    assert 'value="2 Other Street"' in answer.text
    assert answer.text.count("by the window") >= 3
    other.rollback()
    assert Location.objects.get().street == "1 Example Street"  # and nothing is half saved
    assert desk.post(address, sent).status_code == 302
    assert Location.objects.get().street == "2 Other Street"


@pytest.mark.parametrize("kind", ["visittype", "schedule"])
def test_each_form_of_the_set_up_comes_back_where_somebody_holds_what_it_changes(place, desk, other, kind):
    pk = {"visittype": place.schedules.first().visit_types.get().pk, "schedule": place.schedules.first().pk}[
        kind
    ]
    address = f"/staff/bookings/{kind}/{pk}/change/"
    sent = {**filled(desk, address), "name": "Another name"}
    other.execute(f"SELECT 1 FROM bookings_{kind} FOR UPDATE")  # noqa: S608

    answer = impatient(desk, "lock_timeout = '50ms'")(address, sent)

    assert answer.status_code == 200 and BUSY in answer.text
    assert 'value="Another name"' in answer.text
    other.rollback()
    assert desk.post(address, sent).status_code == 302


def test_a_closure_comes_back_where_somebody_holds_its_chair(place, desk, other):
    chair = place.schedules.first()
    typed = {"location": place.pk, "schedule": chair.pk, "reason": "repair", "day": "2027-03-10"}
    other.execute(CHAIRS, [chair.pk])

    answer = impatient(desk, "lock_timeout = '50ms'")("/staff/bookings/closure/add/", typed)

    assert answer.status_code == 200 and BUSY in answer.text and "2027-03-10" in answer.text
    other.rollback()
    assert desk.post("/staff/bookings/closure/add/", typed).status_code == 302
    assert Closure.objects.count() == 1


def test_a_note_comes_back_where_somebody_holds_its_request(desk, other):
    asked = make.accepted()
    address = f"/staff/bookings/appointmentrequest/{asked.pk}/note/"
    other.execute("SELECT 1 FROM bookings_appointmentrequest FOR UPDATE")

    answer = impatient(desk, "lock_timeout = '50ms'")(address, {"text": "Wants the dim room."})

    assert answer.status_code == 200 and "Wants the dim room." in answer.text
    assert "Somebody else is changing this right now. Nothing was saved; send it again." in answer.text
    other.rollback()
    assert desk.post(address, {"text": "Wants the dim room."}).status_code == 302
    assert Note.objects.count() == 1


def test_the_form_for_a_caller_comes_back_where_a_patient_holds_the_chair(place, client, other, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)
    client.force_login(make.staff())
    chair = place.schedules.first()
    other.execute(CHAIRS, [chair.pk])
    address = f"{PHONE}?location={place.slug}"

    answer = impatient(client, "lock_timeout = '50ms'")(address, call(chair))

    assert answer.status_code == 200 and "Nguyễn Thị Ánh" in answer.text
    assert "Somebody else is changing this right now. Nothing was saved; send it again." in answer.text
    other.rollback()
    assert client.post(address, call(chair)).status_code == 302
    assert AppointmentRequest.objects.get().status == "accepted"
