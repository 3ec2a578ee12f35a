"""The page of one request and its acts: everything is seen before anything is done."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from bookings import lifecycle
from bookings.admin import wording
from bookings.models import AppointmentRequest, Closure, Event, Message, Note, RequestedPeriod
from tests import make

pytestmark = pytest.mark.django_db
LIST = "/staff/bookings/appointmentrequest/"
DAY = timedelta(days=1)


@pytest.fixture
def clock(monkeypatch, db):
    def set_to(now):
        monkeypatch.setattr(timezone, "now", lambda: now)
        make.stay_signed_in(now=now)

    set_to(make.NOW)
    return set_to


@pytest.fixture
def desk(client, clock):
    client.force_login(make.staff())
    return client


def url(asked, act="change"):
    return f"{LIST}{asked.pk}/{act}/"


def text(response):
    """The words of a page, in one line."""
    words = re.sub(r"<(script|title).*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(words.split())


def offered(client, asked):
    return [act.name for act, _ in client.get(url(asked)).context["acts"]]


ALWAYS = ["payment", "phoned", "contact", "note"]


def test_only_what_the_state_allows_is_offered(desk, clock):
    room = make.schedule()
    at = make.TUESDAY_9 + 3 * DAY
    unverified, pending = make.submitted(room), make.confirmed(room, starts_at=at, email="b@x.org")
    call = make.confirmed(room, asks_for="call", starts_at=None, visit_type=None, email="c@x.org")
    offer, waiting = (
        make.confirmed(room, starts_at=at + timedelta(hours=n), email=f"d{n}@x.org") for n in (1, 2)
    )
    sam = make.staff("sam")
    other = lifecycle.Choice(room.visit_types.get(), room.location, at + timedelta(hours=4))
    lifecycle.offer(offer, other, by=sam, now=make.NOW)
    lifecycle.waitlist(waiting, by=sam, now=make.NOW)
    visit = make.accepted(room, starts_at=make.TUESDAY_9, email="e@x.org")

    found = [offered(desk, asked) for asked in (unverified, pending, call, offer, waiting, visit)]
    assert found == [
        ["verify", "withdraw", *ALWAYS],
        ["accept", "offer", "book", "waitlist", "decline", "withdraw", *ALWAYS],
        ["offer", "book", "decline", "withdraw", *ALWAYS],
        ["accept", "offer", "book", "decline", "withdraw", *ALWAYS],
        ["accept", "offer", "book", "decline", "withdraw", *ALWAYS],
        ["reschedule", "cancel", *ALWAYS, "error"],
    ]

    clock(make.TUESDAY_9 + timedelta(minutes=1))
    came = ["arrive", "fulfil", "noshow", "reschedule", "cancel", *ALWAYS, "error"]
    assert offered(desk, visit) == came
    lifecycle.mark_noshow(visit, by=sam, now=make.TUESDAY_9)
    assert offered(desk, visit) == ["undo_noshow", *ALWAYS, "error", "erase"]
    visit.refresh_from_db()
    lifecycle.enter_in_error(visit, by=sam, now=make.TUESDAY_9)
    assert offered(desk, visit) == [*ALWAYS, "erase"]


# For each act: what is posted, and (status of the request, status of the visit, last event) after it.
SIMPLE = {
    "accept": ({}, "pending", ("accepted", "booked", "accept")),
    "decline": ({"reason": "duplicate"}, "pending", ("declined", "cancelled", "decline")),
    "waitlist": ({}, "pending", ("waitlisted", "cancelled", "waitlist")),
    "withdraw": ({}, "pending", ("withdrawn", "cancelled", "withdraw")),
    "verify": ({}, "unverified", ("pending", "pending", "verify")),
    "phoned": ({"outcome": "no_answer", "text": "Again at 5"}, "pending", ("pending", "pending", "phone")),
    "note": ({"text": "Sister drives"}, "pending", ("pending", "pending", "verify")),
    "cancel": ({"reason": "staff_ill"}, "booked", ("accepted", "cancelled", "cancel")),
    "arrive": ({}, "booked", ("accepted", "arrived", "arrive")),
    "fulfil": ({}, "booked", ("accepted", "fulfilled", "fulfil")),
    "noshow": ({}, "booked", ("accepted", "noshow", "noshow")),
    "undo_noshow": ({}, "noshow", ("accepted", "booked", "undo_noshow")),
    "error": ({}, "booked", ("accepted", "entered-in-error", "enter_in_error")),
}


def reach(status):
    if status in ("pending", "unverified"):
        return make.confirmed() if status == "pending" else make.submitted()
    asked = make.accepted(starts_at=make.later(hours=2))
    if status == "noshow":
        lifecycle.mark_noshow(asked, by=make.staff("sam"), now=make.later(hours=3))
    return asked


@pytest.mark.parametrize("act", SIMPLE)
def test_looking_at_an_act_changes_nothing_and_doing_it_is_one_verb(desk, clock, act):
    given, before, after = SIMPLE[act]
    asked = reach(before)
    clock(make.later(hours=3) if before in ("booked", "noshow") else make.NOW)
    events, version = asked.events.count(), AppointmentRequest.objects.get().version

    looked = desk.get(url(asked, act))
    asked.refresh_from_db()
    assert (looked.status_code, asked.events.count(), asked.version) == (200, events, version)
    done = desk.post(url(asked, act), {"_seen": version, **given})

    asked.refresh_from_db()
    assert done.headers["Location"] == url(asked)
    assert (asked.status, asked.appointments.get().status, asked.events.last().verb) == after
    assert act == "note" or asked.events.last().by.username == "robin"


def test_the_message_is_seen_before_it_is_owed_and_its_link_stays_the_patients(desk):
    asked = make.confirmed()
    sent = Message.objects.count()

    words = text(desk.get(url(asked, "accept")))

    assert Message.objects.count() == sent
    assert "The patient will get this email Your appointment at Example Clinic" in words
    assert "Wednesday, March 10, 2027 at 9am EST" in words
    assert "/manage/" not in words


def test_who_has_no_address_is_phoned(desk):
    asked = make.submitted(email="", phone="(703) 555-0142", contact_by="phone")

    assert "There is no email address. Phone the patient: (703) 555-0142" in text(
        desk.get(url(asked, "accept"))
    )


def test_a_form_without_its_answer_says_which(desk):
    asked = make.accepted()
    pending = make.confirmed(email="b@x.org")

    assert "Select a reason" in text(desk.post(url(pending, "decline"), {}))
    assert "Select a reason" in text(desk.post(url(asked, "cancel"), {"reason": "bored"}))
    assert "Select how the call ended" in text(desk.post(url(asked, "phoned"), {"text": "Hm"}))
    assert "Write the note first" in text(desk.post(url(asked, "note"), {"text": "  "}))
    assert (Note.objects.count(), Event.objects.filter(verb="phone").count()) == (0, 0)


def test_an_act_that_the_state_does_not_allow_is_refused_in_the_verbs_words(desk):
    asked = make.confirmed()
    lifecycle.decline(asked, by=make.staff("kim"), reason="no_time", now=make.NOW)
    refused = "This request is already declined: kim, Monday, March 8, 2027 at noon EST."

    for act, given in {
        "accept": {},
        "waitlist": {},
        "withdraw": {},
        "arrive": {},
        "cancel": {"reason": "other"},
    }.items():
        assert refused in text(desk.post(url(asked, act), given, follow=True))
    assert refused in text(desk.get(url(asked, "accept"), follow=True))
    asked.refresh_from_db()
    assert asked.status == "declined"


def test_of_two_people_on_one_request_the_second_hears_of_the_first_and_changes_nothing(desk):
    asked = make.accepted()
    seen = asked.version
    room = asked.appointments.get().schedule
    choice = lifecycle.Choice(asked.visit_type, asked.location, make.TUESDAY_9 + 3 * DAY)
    lifecycle.reschedule(asked, choice, by=make.staff("kim"), now=make.NOW)

    answer = {"_seen": seen, "_do": "", "start": (make.TUESDAY_9 + 7 * DAY).isoformat()}
    moved = desk.post(
        url(asked, "reschedule"),
        {**answer, "visit_type": asked.visit_type_id, "location": room.location_id},
        follow=True,
    )
    cancelled = desk.post(url(asked, "cancel"), {"_seen": seen, "reason": "closed"}, follow=True)

    told = "This request has changed since you looked at it: kim, Monday, March 8, 2027 at noon EST."
    assert (told in text(moved), told in text(cancelled)) == (True, True)
    visit = asked.appointments.get()
    assert (visit.status, visit.starts_at) == ("booked", choice.starts_at)


def test_marking_a_visit_and_deciding_a_request_are_two_permissions(client, clock, django_user_model):
    visit, pending = make.accepted(starts_at=make.later(hours=1)), make.confirmed(email="b@x.org")
    clock(make.later(hours=2))
    statuses = {}
    for name in ("decide_request", "mark_visit"):
        user = django_user_model.objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=[name, "view_appointmentrequest"]))
        client.force_login(user)
        offers = [*offered(client, visit), *offered(client, pending)]
        statuses[name] = (
            offers,
            [client.get(url(visit, act)).status_code for act in ("arrive", "cancel", "note")],
        )

    assert statuses == {
        "decide_request": (
            [
                "reschedule",
                "cancel",
                *ALWAYS,
                "error",
                "accept",
                "offer",
                "book",
                "waitlist",
                "decline",
                "withdraw",
                *ALWAYS,
            ],
            [403, 200, 200],
        ),
        "mark_visit": (["arrive", "fulfil", "noshow", "phoned", "note", "phoned", "note"], [200, 403, 200]),
    }


def test_what_decides_nothing_stands_below_what_does(desk):
    lists = re.findall(r'<ul class="([a-z -]+)">(.*?)</ul>', desk.get(url(make.accepted())).text, re.DOTALL)

    assert [(kind, re.findall(r">([^<>]+)</a>", words)) for kind, words in lists if "a" in kind][:2] == [
        ("object-tools acts", ["Move to another time", "Cancel the visit"]),
        (
            "asides",
            [
                "Write down who pays",
                "Mark as phoned",
                "Correct email or phone",
                "Write a note",
                "Entered in error",
            ],
        ),
    ]


def test_the_page_shows_all_that_was_asked(desk):
    room = make.schedule()
    periods = [
        RequestedPeriod(weekday=1, part_of_day="morning"),
        RequestedPeriod(first_day=make.NOW.date() + 7 * DAY, last_day=make.NOW.date() + 7 * DAY),
    ]
    asked = make.confirmed(
        room, asks_for="periods", starts_at=None, periods=periods, asked_by="Lan", phone="703 555 0142",
        may_leave_message=True, needs=["dim_room", "interpreter"], language="Vietnamese",
        note="<b>wheelchair</b>",
    )  # fmt: skip
    other = make.confirmed(room)
    lifecycle.note(asked, "Sister drives", by=make.staff("kim"), now=make.NOW)
    lifecycle.mark_phoned(asked, outcome="message", by=make.staff("sam"), now=make.later(hours=1))

    words = text(desk.get(url(asked)))

    for part in [
        "Nguyễn Thị Ánh", "Asked for by Lan", "anh@example.com", "703 555 0142 (we may leave a message)",
        "Days that suit: Tuesdays, in the morning; or Monday, March 15, 2027, any time",
        "A dim room, An interpreter (Vietnamese)", "Please prepare &lt;b&gt;wheelchair&lt;/b&gt;",
        f"Other requests of the same person {other.reference} needs reply",
        "Tuesdays, in the morning Tuesday, March 9, 2027 at 9am EST (1 free)",
        "Monday, March 15, 2027, any time Monday, March 15, 2027 at 9am EDT (1 free)",
        "Monday, March 8, 2027 at noon EST kim noted: “Sister drives”",
        "Monday, March 8, 2027 at 1pm EST sam phoned the patient (a message to call back was left).",
        "We have your request waiting to be sent leaves Monday, March 8, 2027 at 12:03pm EST",
    ]:  # fmt: skip
        assert part in words


def test_every_verb_has_its_sentence_in_the_history():
    written = "".join(path.read_text() for path in Path(lifecycle.__file__).parent.glob("*.py"))

    assert set(re.findall(r'verb="(\w+)"', written)) - set(wording.SENTENCES) == set()


def test_what_stands_in_the_way_is_seen_before_deciding(desk):
    place, visit = make.location(), make.visit_type()
    rooms = [make.schedule(place, visit, name) for name in ("Blue", "Green", "Red", "White")]
    asked = make.confirmed(rooms[0])
    mine = asked.appointments.get().schedule
    others = [room for room in rooms if room != mine]
    taken = make.confirmed(others[0], visit_type=visit, email="b@x.org")
    Closure.objects.create(
        schedule=others[1], location=place, starts_at=make.NOW, ends_at=make.later(days=9), reason="leave"
    )
    in_the_way = taken.appointments.get().schedule
    free = next(room for room in rooms if room not in (mine, in_the_way, others[1]))

    words = text(desk.get(url(asked)))

    for part in [
        f"{mine.name}: this request’s own", f"{in_the_way.name}: taken {taken.reference} , held",
        f"{free.name}: free",
    ]:  # fmt: skip
        assert part in words
    if others[1] not in (mine, in_the_way):
        assert f"{others[1].name}: closed: leave" in words


def test_a_time_that_was_closed_since_it_was_asked_for_is_not_accepted_without_a_reason(desk):
    asked = make.confirmed()
    whole = {"location": asked.location, "starts_at": make.NOW, "ends_at": make.later(days=9)}
    Closure.objects.create(**whole, reason="leave")

    said = text(desk.post(url(asked, "accept"), {"_seen": asked.version}, follow=True))

    assert "This time is closed: leave. Offer another time, or book it with a reason." in said
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_the_page_asks_the_database_a_fixed_number_of_questions(desk, django_assert_num_queries):
    room = make.schedule()
    first = make.confirmed(room)
    second = make.confirmed(room, starts_at=make.TUESDAY_9)
    for number in range(3):
        lifecycle.note(second, "Again", by=make.staff(f"kim{number}"), now=make.NOW)
        lifecycle.mark_phoned(second, outcome="no_answer", by=make.staff(f"sam{number}"), now=make.NOW)
    for asked in (first, second):
        with django_assert_num_queries(23):
            desk.get(url(asked))


def test_markup_in_a_name_stays_text(desk):
    asked = make.confirmed(patient_name="<script>alert(1)</script>")
    pages = [LIST, url(asked), url(asked, "accept"), url(asked, "offer")]

    found = "".join(desk.get(page).content.decode() for page in pages)

    assert "<script>alert" not in found and "&lt;script&gt;alert" in found


def test_a_request_that_is_not_there_is_not_found(desk):
    assert [desk.get(f"{LIST}{pk}/change/").status_code for pk in ("0", "x", "9" * 30)] == [404] * 3
    assert desk.get(f"{LIST}0/accept/").status_code == 404
