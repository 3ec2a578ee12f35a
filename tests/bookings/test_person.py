"""The copy of all that is held about a person: whole, the same in both files, and recorded."""

import json
import re
from html import unescape

import pytest
from django.db import connection
from django.utils import timezone

from bookings import lifecycle
from bookings.admin import person
from bookings.models import AppointmentRequest, Estimate, Viewing
from bookings.models.booking import ERASED
from tests import make

pytestmark = pytest.mark.django_db
LIST = "/staff/bookings/appointmentrequest/"


@pytest.fixture
def asked():
    """Somebody who waits, about whom everything is written down that can be."""
    asked = make.waitlisted(
        patient_name="Zoë <b>Qxz</b>",
        asked_by="Mai Roe",
        phone="+1 703 555 0143",
        may_leave_message=True,
        needs=["dim_room"],
        language="Thai",
        note="Two steps",
        email="zoe@example.com",
    )
    sam = make.staff("sam")
    asked.visit_type.price = 300
    asked.visit_type.save()
    lifecycle.note(asked, "Sister drives", by=sam, now=make.NOW)
    asked.refresh_from_db()
    lifecycle.record_payment(asked, pays_self=True, by=sam, now=make.NOW)
    asked.refresh_from_db()
    choice = lifecycle.Choice(asked.visit_type, asked.location, make.WEDNESDAY_9)
    lifecycle.accept(asked, choice=choice, by=sam, now=make.NOW)
    asked.refresh_from_db()
    lifecycle.give_estimate(asked, how="hand", by=sam, now=make.NOW)
    return asked


@pytest.fixture
def desk(client, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)
    client.force_login(make.staff())
    return client


def copy(desk, asked, written_for, *others):
    keys = [asked.pk, *(one.pk for one in others)]
    return desk.post(f"{LIST}{asked.pk}/person/", {"requests": keys, written_for: ""})


def names(value):
    """Every name of a value in what JSON holds, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(names, value.values()))
    return set().union(*map(names, value)) if isinstance(value, list) else set()


def test_both_files_hold_all_that_is_held(desk, asked):
    desk.get(f"{LIST}{asked.pk}/change/")

    data, page = copy(desk, asked, "machines"), copy(desk, asked, "people")

    assert data["Content-Disposition"] == f'attachment; filename="{asked.reference}.json"'
    assert page["Content-Disposition"] == f'attachment; filename="{asked.reference}.html"'
    held = json.loads(data.text)
    [one] = held["requests"]
    assert (held["made_at"], held["meanings"]) == ("2027-03-08T17:00:00Z", person.MEANINGS)
    assert names(held["requests"]) == set(person.MEANINGS)
    told = {name: value for name, value in one.items() if value not in ([], "", None)}
    told.update({name: len(value) for name, value in told.items() if names(value)})
    assert told == {
        "reference": asked.reference,
        "asked_at": "2027-03-08T17:00:00Z",
        "came_by": "website",
        "state": "accepted",
        "patient_name": "Zoë <b>Qxz</b>",
        "asked_by": "Mai Roe",
        "email": "zoe@example.com",
        "phone": "+1 703 555 0143",
        "contact_by": "Email",
        "may_leave_message": True,
        "confirmed_at": "2027-03-08T17:00:00Z",
        "may_be_robot": False,
        "visit_type": "Consultation",
        "location": "Arlington",
        "asks_for": "the waiting list",
        "days_that_suit": ["from March 10, 2027 to March 12, 2027, any time"],
        "needs": ["A dim room"],
        "language": "Thai",
        "note": "Two steps",
        "pays_without_insurance": True,
        "answer_promised_by": one["answer_promised_by"],
        "visits": 1,
        "history": 6,
        "notes": 1,
        "messages": asked.messages.count(),
        "estimates": 1,
        "looked_at": 2,
        "changed": one["changed"],
    }
    assert one["changed"] >= 8
    assert one["looked_at"] == [
        {"what": "opened a record", "times": 1, "people": 1},
        {"what": "exported records", "times": 1, "people": 1},
    ]
    assert {event["who"] for event in one["history"]} == {"the patient", "our staff"}

    words = " ".join(unescape(re.sub("<[^>]+>", " ", page.text)).split())
    assert "What Example Clinic holds about you" in words and "Monday, March 8, 2027 at noon EST" in words
    for told in ("Zoë <b>Qxz</b>", "Mai Roe", "zoe@example.com", "+1 703 555 0143", "A dim room", "Thai"):
        assert told in words
    for told in ("Two steps", "Sister drives", "300.00", "Wednesday, March 10, 2027 at 9am EST", "March 12"):
        assert told in words
    assert all(meaning in words for meaning in person.MEANINGS.values())
    assert "<b>" not in page.text  # what a patient typed is text, in a file too
    assert "sam" not in data.text.replace("same", "") and "robin" not in page.text


def test_each_copy_is_recorded_and_looking_for_the_person_too(desk, asked):
    other = make.confirmed(patient_name="Zoe <b>qxz</b>", email="zoe+a@example.com")
    family = make.confirmed(patient_name="Ann Doe", email="other@example.com", phone="(703) 555-0143")
    make.confirmed(patient_name="Zoë <b>Qxz</b>", email="somebody@example.com")

    page = desk.get(f"{LIST}{asked.pk}/person/").text
    saved = copy(desk, asked, "machines", other)

    rows = re.findall(r'name="requests"\s+value="(\d+)"\s*(checked)?', page)
    assert rows == [(str(asked.pk), "checked"), (str(other.pk), "checked"), (str(family.pk), "")]
    assert "Zoë &lt;b&gt;" in page
    kept = [one["reference"] for one in json.loads(saved.text)["requests"]]
    assert kept == [asked.reference, other.reference]
    rows = Viewing.objects.order_by("pk").values_list("by__username", "kind", "requests")
    assert list(rows) == [
        ("robin", "search", [asked.pk, other.pk, family.pk]),
        ("robin", "export", [asked.pk, other.pk]),
    ]


def test_requests_of_the_same_person_are_found_through_indexes(asked, django_assert_num_queries):
    other = make.submitted(email="ZOE@Example.com", phone="")
    AppointmentRequest.objects.filter(pk=other.pk).update(person="")

    with django_assert_num_queries(1) as asked_for:
        assert [one.pk for one in person.same_person(asked)] == [asked.pk, other.pk]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")  # nor all of one
        cursor.execute(f"EXPLAIN {asked_for[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on bookings_appointmentrequest" not in plan, plan


def test_a_copy_is_of_this_person_and_of_something(desk, asked):
    stranger = make.confirmed(email="b@example.com")
    url = f"{LIST}{asked.pk}/person/"

    for given in (
        {},
        {"people": ""},
        {"requests": [asked.pk, stranger.pk], "people": ""},
        {"requests": ["x", 2**70], "people": ""},
    ):
        answer = desk.post(url, given)
        assert answer.status_code == 422
        assert "Tick at least one request. Then choose how to save it." in answer.text
    assert not Viewing.objects.filter(kind="export").exists()
    lifecycle.erase(asked, by=make.staff("kim"), now=make.later(days=9))
    assert desk.get(url).status_code == 404
    assert "person/" not in desk.get(f"{LIST}{asked.pk}/change/").text


# What says nothing about who somebody is: what the reports count, and what the machine needs.
TELLS_NOTHING = {
    *("id", "reference", "submission", "version", "status", "reason", "created_via", "created_at"),
    *("verified_at", "is_suspect", "reply_until", "expires_at", "asks_for", "visit_type", "location"),
    *("asked_visit_type", "asked_location", "wanted_at", "contact_by", "pays_self", "estimate_due_on"),
    *("erased_at", "names", "digits", "address_since"),
}


def test_a_new_column_about_patients_is_erased_or_known_to_tell_nothing():
    fields = {field.name for field in AppointmentRequest._meta.concrete_fields}

    assert fields == {*ERASED, *TELLS_NOTHING}
    assert {field.name for field in Estimate._meta.concrete_fields} == {
        *("id", "request", "starts_at", "visit", "summary", "location", "address", "price"),
        *("how", "by", "at", "opened_at"),
    }
