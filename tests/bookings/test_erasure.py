"""What is due to be erased, the erasure itself, and the purge that does it by the clock."""

from datetime import timedelta

import pytest
from django.conf import settings as site
from django.db import Error, IntegrityError, connection, transaction
from django.utils import timezone

from bookings import counting, lifecycle, links, messages, reports, retention, tasks
from bookings.lifecycle import Refused
from bookings.models import AppointmentRequest, Change, Estimate, Event, Message
from bookings.models.booking import ERASED
from tests import make
from tests.bookings.test_races import at_once

DAY = timedelta(days=1)
LIST = "/staff/bookings/appointmentrequest/"
pytestmark = pytest.mark.django_db


def declined(room=None, **fields):
    asked = make.confirmed(room, **fields)
    lifecycle.decline(asked, reason="no_time", by=make.staff(asked.reference), now=asked.created_at)
    asked.refresh_from_db()
    return asked


def due(now):
    return list(retention.due(now=now).values_list("pk", flat=True))


def test_each_kind_is_due_when_its_time_has_passed_and_not_before():
    room, at, robin = make.schedule(), make.WEDNESDAY_9, make.staff()

    def visit(hour, **fields):
        return make.accepted(room, starts_at=at + timedelta(hours=hour), email=f"{hour}@x.org", **fields)

    make.confirmed(room, asks_for="call", starts_at=None, email="open@x.org", now=make.NOW + 3650 * DAY)
    refused = declined(room, starts_at=at + DAY)
    nobody_said, came, cancelled = visit(1), visit(2), visit(3)
    lifecycle.fulfil(came, by=robin, now=at + 40 * DAY)  # entered late
    lifecycle.cancel(cancelled, by=robin, now=make.NOW + DAY)
    never = make.submitted(room, asks_for="call", starts_at=None, email="never@x.org")
    lifecycle.sweep(now=make.NOW + 7 * DAY)
    lifecycle.mark_phoned(never, outcome="no_answer", by=robin, now=make.NOW + 8 * DAY)  # prolongs nothing

    kept, hour, moment = 90 * DAY, timedelta(hours=1), timedelta(microseconds=1)
    order = [
        (never, make.NOW + 14 * DAY),
        (refused, make.NOW + kept),
        (cancelled, make.NOW + DAY + kept),
        (nobody_said, at + 2 * hour + kept),
        (came, at + 3 * hour + kept),
    ]
    keys = [asked.pk for asked, _ in order]
    for count, (_, day) in enumerate(order):
        assert set(due(day - moment)) == set(keys[:count])
        assert set(due(day)) == set(keys[: count + 1])
    assert set(due(make.NOW + 3650 * DAY)) == set(keys)


def test_the_clinic_chooses_for_how_long_requests_are_kept(settings):
    asked = declined()
    settings.KEPT_DAYS = {**settings.KEPT_DAYS, "requests": 30}

    assert (due(make.NOW + 29 * DAY), due(make.NOW + 30 * DAY)) == ([], [asked.pk])


def visited():
    """A request with everything that can be written down about one, whose visit took place."""
    asked = make.accepted(
        asked_by="Mai", phone="+1 703 555 0147", needs=["dim_room"], language="Thai", note="Two steps"
    )
    sam = make.staff("sam")
    asked.visit_type.price = 300
    asked.visit_type.save()
    lifecycle.record_payment(asked, pays_self=True, by=sam, now=make.NOW)
    asked.refresh_from_db()
    lifecycle.give_estimate(asked, how="hand", by=sam, now=make.NOW)
    lifecycle.mark_phoned(asked, outcome="reached", text="Sister drives", by=sam, now=make.NOW)
    lifecycle.fulfil(asked, by=sam, now=make.WEDNESDAY_9)
    asked.refresh_from_db()
    return asked


KEPT = [
    "reference",
    "status",
    "created_at",
    "wanted_at",
    "visit_type_id",
    "location_id",
    "reason",
    "pays_self",
    "is_suspect",
]


def numbers():
    span = reports.Span(counting.monday(make.NOW.date()), 2)
    return reports.numbers(span, "requests", "replies", "visits")


def test_an_erasure_forgets_the_person_and_keeps_the_numbers():
    asked, robin = visited(), make.staff()
    link = links.token(asked, "manage_request", now=make.WEDNESDAY_9)
    before, kept = numbers(), [getattr(asked, name) for name in KEPT]
    visit, sent = asked.appointments.values().get(), asked.messages.count()
    messages.owe(asked, Message.Kind.LINK, now=make.WEDNESDAY_9)
    change = Change.objects.values_list("pk", flat=True).first()
    version = asked.version

    lifecycle.erase(asked, by=robin, now=make.later(days=9))

    asked = AppointmentRequest.objects.get()
    assert {name: getattr(asked, name) for name in ERASED} == ERASED
    assert (asked.names.strip(), asked.digits) == ("erased", "")
    assert (asked.notes.count(), asked.periods.count(), Estimate.objects.count()) == (0, 0, 1)
    assert (numbers(), [getattr(asked, name) for name in KEPT]) == (before, kept)
    assert (asked.appointments.values().get(), asked.version, asked.erased_at) == (
        visit,
        version + 1,
        make.later(days=9),
    )
    last = asked.events.last()
    assert (last.verb, last.by, last.at, last.reason) == ("erase", robin, make.later(days=9), "")
    with pytest.raises(links.DeadLink):
        links.read(link, "manage_request", now=make.later(days=9))
    assert asked.messages.count() == sent + 1 and not asked.messages.filter(status="queued").exists()
    assert asked.messages.exclude(error="").count() == 0
    rows = Change.objects.filter(pk__gt=change).order_by("pk").values_list("table", "operation", "columns")
    [(table, operation, columns), *others] = rows
    assert (table, operation, {*columns} - {*ERASED}) == (
        "bookings_appointmentrequest",
        "update",
        {"erased_at", "version", "names", "digits"},
    )
    assert others == [("bookings_note", "delete", [])]


def test_what_is_open_or_ahead_is_not_erased():
    robin = make.staff()
    ahead = make.accepted()
    for asked, sentence in [
        (make.confirmed(email="open@x.org"), "This request is still open. Decline or withdraw it first."),
        (ahead, "The visit is not over yet. Cancel it first."),
    ]:
        with pytest.raises(Refused, match=sentence):
            lifecycle.erase(asked, by=robin, now=make.WEDNESDAY_9)
    assert not AppointmentRequest.objects.exclude(erased_at=None).exists()
    lifecycle.erase(ahead, by=robin, now=make.WEDNESDAY_9 + timedelta(hours=1))


def test_nothing_is_added_to_what_was_erased():
    asked, robin, now = visited(), make.staff(), make.later(days=9)
    asked = lifecycle.erase(asked, by=robin, now=now)
    anew = {"email": "a@x.org", "phone": "", "contact_by": "email"}
    for verb, given in [
        (lifecycle.erase, {}),
        (lifecycle.mark_phoned, {"outcome": "reached", "text": "Ann"}),
        (lifecycle.correct_contact, anew),
        (lifecycle.record_payment, {"pays_self": False}),
        (lifecycle.enter_in_error, {}),
    ]:
        with pytest.raises(Refused, match=r"was erased on Wednesday, March 17, 2027\. Nothing can be added"):
            verb(asked, by=robin, now=now, **given)
    with pytest.raises(Refused, match="was erased"):
        lifecycle.note(asked, "Ann", by=robin, now=now)
    assert asked.events.last().verb == "erase"
    with pytest.raises(IntegrityError, match="an_erased_request_names_nobody"), transaction.atomic():
        AppointmentRequest.objects.update(patient_name="Ann")


def test_a_note_goes_with_its_request_and_not_before():
    asked = visited()

    with pytest.raises(Error, match="A note goes when its request is erased"), transaction.atomic():
        asked.notes.all().delete()

    assert asked.notes.count() == 1


def test_the_purge_erases_what_is_due_one_by_one_whatever_fails(caplog):
    room = make.schedule()
    first, dead, third = (
        declined(room, starts_at=make.TUESDAY_9 + hour, email=f"{hour.seconds}@x.org")
        for hour in (timedelta(hours=n) for n in range(3))
    )
    later, now = declined(room, email="later@x.org", now=make.later(hours=2)), make.NOW + 90 * DAY
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            f"ALTER TABLE bookings_appointmentrequest ADD CHECK (id <> {dead.pk} OR erased_at IS NULL)"
        )
    with caplog.at_level("INFO", logger="clinic"):
        assert (lifecycle.purge(now=now), lifecycle.purge(now=now)) == (2, 0)

    erased = AppointmentRequest.objects.exclude(erased_at=None).values_list("pk", flat=True)
    assert set(erased) == {first.pk, third.pk} and later.pk not in due(now)
    assert {event.who for event in Event.objects.filter(verb="erase")} == {"the clock"}
    failed = f"the purge could not erase request {dead.pk}: IntegrityError"
    assert caplog.messages == [failed, "the purge erased 2 requests", failed]
    assert "x.org" not in caplog.text and "Nguy" not in caplog.text


def test_two_workers_at_once_erase_each_request_once(real_commits, caplog):
    room = make.schedule()
    for number in range(6):
        declined(room, starts_at=make.TUESDAY_9 + number * timedelta(hours=1), email=f"{number}@x.org")

    with caplog.at_level("INFO", logger="clinic"):
        done = at_once(*[lambda: lifecycle.purge(now=make.NOW + 90 * DAY)] * 3)

    assert sum(done) == 6 and Event.objects.filter(verb="erase").count() == 6
    references = AppointmentRequest.objects.values_list("reference", flat=True)
    lines = sorted(line for line in caplog.messages if line.startswith("erased "))
    assert lines == sorted(f"erased {reference}" for reference in references)


def test_the_purge_runs_every_hour():
    cron = tasks.app.periodic_registry.periodic_tasks["purge", ""].croniter
    cron.set_current(make.NOW.timestamp())
    assert cron.get_next(float) + 3600 == cron.get_next(float)


def test_a_manager_erases_after_seeing_what_will_be_gone(client, monkeypatch):
    asked = visited()
    now = make.later(days=9)
    monkeypatch.setattr(timezone, "now", lambda: now)
    client.force_login(make.staff())
    address = f"{LIST}{asked.pk}/"

    asks = client.get(f"{address}erase/").text
    assert "This will be gone" in asks and f"{site.KEPT_DAYS['requests']} days after" in asks
    assert AppointmentRequest.objects.get().erased_at is None
    page = client.post(f"{address}erase/", {"_seen": asked.version}, follow=True)

    assert AppointmentRequest.objects.get().erased_at == now
    assert "This request was erased." in page.text and page.context["acts"] == []
    assert "robin erased who the patient is." in " ".join(page.text.split())
    again = client.post(f"{address}note/", {"text": "Ann"}, follow=True)
    assert "was erased on Wednesday, March 17, 2027. Nothing can be added to it." in again.text
    listed = client.get(f"{LIST}?q={asked.reference}").text
    assert "<bdi>erased</bdi>" in listed and "no email: phone" not in listed


def test_of_a_visit_whose_outcome_nobody_entered_the_desk_is_not_reminded_for_ever(client, monkeypatch):
    asked, now = make.accepted(), make.WEDNESDAY_9 + 91 * DAY
    monkeypatch.setattr(timezone, "now", lambda: now)
    client.force_login(make.staff())
    assert asked.reference in client.get(f"{LIST}?list=unresolved").text

    lifecycle.purge(now=now)

    assert asked.reference not in client.get(f"{LIST}?list=unresolved").text
