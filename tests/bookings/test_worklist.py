"""The lists of the front desk: who stands in which, in which order, and finding somebody."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings import lifecycle
from bookings.admin import finding, wording
from bookings.admin.finding import find
from bookings.models import AppointmentRequest, Message, RequestedPeriod
from tests import make

pytestmark = pytest.mark.django_db
LIST = "/staff/bookings/appointmentrequest/"
AsksFor = AppointmentRequest.AsksFor


@pytest.fixture
def clock(monkeypatch, db):
    """The time that the views read: `clock(later)` sets it, Monday noon at first."""

    def set_to(now):
        monkeypatch.setattr(timezone, "now", lambda: now)
        make.stay_signed_in(now=now)

    set_to(make.NOW)
    return set_to


@pytest.fixture
def desk(client, clock):
    client.force_login(make.staff())
    return client


def shown(client, query=""):
    """The references in the table, in its order."""
    response = client.get(LIST + query)
    assert response.status_code == 200
    return [asked.reference for asked in response.context["cl"].result_list]


def references(*requests):
    return [asked.reference for asked in requests]


def test_each_list_holds_who_waits_for_that_and_only_them(desk, clock):
    room = make.schedule()
    at = make.WEDNESDAY_9.replace
    pending, unverified = make.confirmed(room), make.submitted(room, starts_at=at(hour=15), email="b@x.org")
    waiting = make.confirmed(room, asks_for=AsksFor.WAITLIST, starts_at=None, email="c@x.org")
    lifecycle.waitlist(waiting, by=make.staff("sam"), now=make.NOW)
    today = make.accepted(room, starts_at=make.TUESDAY_9, email="d@x.org")
    over = make.accepted(room, starts_at=make.later(hours=2), email="e@x.org")
    Message.objects.filter(request=over, kind="accepted").update(status="failed")
    clock(make.TUESDAY_9)

    lists = ["needs_reply", "unverified", "today", "mail_problems", "unresolved", "waiting"]
    found = {name: shown(desk, f"?list={name}") for name in lists}
    numbers = [count for _, _, count, _ in desk.get(LIST).context["lists"]]

    assert found == {
        "needs_reply": references(pending),
        "unverified": references(unverified),
        "today": references(today),
        "mail_problems": references(over),
        "unresolved": references(over),
        "waiting": references(waiting),
    }
    assert numbers == [1, 1, 1, 1, 1, 0, 1]
    assert shown(desk) == references(pending)  # the first list is the one that opens


def test_who_must_be_answered_first_stands_first(desk):
    room = make.schedule()
    far = make.confirmed(room, starts_at=make.WEDNESDAY_9 + timedelta(days=9), email="b@x.org")
    near = make.confirmed(room, starts_at=make.TUESDAY_9)

    assert shown(desk) == references(near, far)


def test_a_phone_call_ends_a_mail_problem(desk):
    asked = make.accepted()
    Message.objects.filter(kind="accepted").update(status="failed")
    assert shown(desk, "?list=mail_problems") == references(asked)

    lifecycle.mark_phoned(asked, outcome="reached", by=make.staff("sam"), now=make.later(hours=1))

    assert shown(desk, "?list=mail_problems") == []


def test_a_deadline_is_said_in_words():
    asked = make.confirmed()
    after = [{}, {"hours": 28, "minutes": 20}, {"hours": 29, "seconds": 50}, {"hours": 32}, {"days": 4}]

    said = [wording.deadline(asked, now=make.later(**each)) for each in after]

    assert said == [
        f'<span class="tag tag--{look}">reply {words}</span> Tuesday, March 9, 2027 at 5pm EST'
        for look, words in [
            ("calm", "in 29 hours"),
            ("waiting", "in 40 minutes"),
            ("stopped", "now"),
            ("stopped", "3 hours late"),
            ("stopped", "2 days late"),
        ]
    ]


def test_what_the_patient_was_told_last_is_seen_in_the_list(desk):
    asked = make.accepted(starts_at=make.WEDNESDAY_9 + timedelta(days=7))  # its reminders wait as well
    phone = make.submitted(email="", phone="(703) 555-0142", contact_by="phone")
    Message.objects.filter(request=asked, kind="accepted").update(status="failed")

    page = desk.get(LIST + "?list=all").content.decode()

    assert page.count('<span class="tag tag--stopped">not delivered: phone the patient</span>') == 1
    assert (phone.reference in page, page.count("no email: phone")) == (True, 1)


def test_what_may_be_a_robot_says_so_and_stands_last(desk):
    room = make.schedule()
    robot = make.submitted(room, is_suspect=True, email="robot@x.org")
    person = make.submitted(room, starts_at=make.TUESDAY_9)

    assert shown(desk, "?list=unverified") == references(person, robot)
    assert desk.get(LIST + "?list=unverified").content.decode().count("may be a robot") == 1


def test_who_names_no_time_is_listed_with_what_they_named(desk):
    periods = [RequestedPeriod(weekday=1, part_of_day="morning")]
    make.confirmed(asks_for=AsksFor.PERIODS, starts_at=None, periods=periods)
    make.confirmed(asks_for=AsksFor.CALL, starts_at=None, visit_type=None, email="b@x.org")

    page = desk.get(LIST).content.decode()

    assert "days that suit: Tuesdays, in the morning" in page
    assert "a phone call" in page and page.count("to be found out") == 1


def test_what_has_no_deadline_says_so(desk):
    make.accepted()

    page = desk.get(f"{LIST}?list=all").content.decode()

    assert (page.count("no deadline"), page.count("to be found out")) == (1, 0)


def test_the_filters_narrow_by_place_visit_status_and_day(desk):
    here, there = make.schedule(), make.schedule(make.location(name="Norfolk"))
    first = make.confirmed(here)
    second = make.confirmed(there, starts_at=make.TUESDAY_9, email="b@x.org")
    gone = make.confirmed(here, starts_at=make.WEDNESDAY_9.replace(hour=16), email="c@x.org")
    lifecycle.decline(gone, by=make.staff("sam"), reason="no_time", now=make.NOW)

    assert shown(desk, f"?location__id__exact={there.location_id}") == references(second)
    assert shown(desk, f"?visit_type__id__exact={here.visit_types.get().pk}") == references(first)
    assert shown(desk, "?status=declined") == references(gone)
    assert shown(desk, "?day=tomorrow") == references(second)
    assert shown(desk, "?day=2027-03-10&list=needs_reply") == references(first)


def test_what_is_no_day_is_said_in_a_sentence(desk):
    asked = make.confirmed()

    make.location(name="Berlin", time_zone="Europe/Berlin")
    for day in ["2027-02-30", "9999-12-31", "0001-01-01"]:
        response = desk.get(LIST, {"day": day, "list": "needs_reply"})

        assert f"“{day}” is not a day. Write it like 2027-03-10." in response.content.decode()
        assert [one.reference for one in response.context["cl"].result_list] == references(asked)


HEARD = [
    "nguyen", "Nguyễn", "ÁNH thi", "Nguyen Thi Ahn", "nguyn", "example.com", "anh@example", "lan pham",
    "th", "ph", "(703) 555-0142", "703.555.0142", "+1 703 555 0142", "7035550142 x12", "0142",
    "001 703 555 0142", "703\u2013555\u20130142", "703\u2011555\u20110142", "tel:+17035550142",
    "703 555 0142, extension 12", "\uff17\uff10\uff13 555 0142", "\u0667\u0660\u0663 555 0142",
]  # fmt: skip


def test_somebody_is_found_by_whatever_they_say(desk):
    room = make.schedule()
    asked = make.confirmed(room, phone="+1 (703) 555-0142", asked_by="Lan Phạm")
    make.confirmed(room, patient_name="Ada", email="b@x.org", phone="202 555 0100", starts_at=make.TUESDAY_9)

    found = {
        text: find(AppointmentRequest.objects.all(), text)[0].values_list("pk", flat=True) for text in HEARD
    }

    assert {text: list(keys) for text, keys in found.items()} == {text: [asked.pk] for text in HEARD}


def test_a_reference_is_found_as_it_is_heard_and_in_every_list(desk):
    asked = make.confirmed()
    lifecycle.decline(asked, by=make.staff("sam"), reason="no_time", now=make.NOW)
    heard = asked.reference.lower().replace("-", " ")

    assert shown(desk, f"?q={heard}&list=today") == references(asked)


def test_a_name_that_only_looks_alike_is_said_to(desk):
    make.confirmed()

    assert "These look alike" in desk.get(LIST, {"q": "Nguyen Thi Ahn"}).content.decode()
    assert "These look alike" not in desk.get(LIST, {"q": "Nguyen"}).content.decode()
    assert "Nothing was found." in desk.get(LIST, {"q": "Zebedee"}).content.decode()


def test_the_words_of_a_search_are_looked_for_once_and_more_than_a_few_that_mean_them_are_shown_too(
    desk, monkeypatch
):
    room = make.schedule()
    asked = [make.confirmed(room, starts_at=make.TUESDAY_9 + timedelta(hours=number)) for number in range(3)]
    for few in (3, 2):
        monkeypatch.setattr(finding, "FEW", few)
        with CaptureQueriesContext(connection) as queries:
            assert shown(desk, "?q=nguyen&list=all") == references(*asked[::-1])
        looking = [one for one in queries.captured_queries if "%nguyen%" in one["sql"]]
        assert len(looking) == (1 if few == 3 else 2), few


def test_no_search_breaks_the_list():
    make.confirmed()
    texts = ["%", "_", "\\", "'", "\u202e", "()", "0", "x" * 5000, "zq " * 30_000]

    found = [find(AppointmentRequest.objects.all(), text)[0].count() for text in texts]

    assert found == [0, 0, 0, 0, 1, 0, 0, 0, 0]  # a mark that nobody sees asks for nothing


def test_an_empty_list_says_so(desk):
    assert "Nobody waits for a reply." in desk.get(LIST).content.decode()


def test_the_way_back_leads_to_the_row_in_the_same_list(desk):
    asked = make.confirmed()
    page = desk.get(LIST, {"list": "needs_reply", "p": "1"}).content.decode()
    assert f'<span id="r{asked.pk}">' in page
    way_in = f"{LIST}{asked.pk}/change/?_changelist_filters=list%3Dneeds_reply%26p%3D1"
    assert way_in in page

    request_page = desk.get(way_in).content.decode()
    after = desk.post(f"{LIST}{asked.pk}/accept/?_changelist_filters=list%3Dneeds_reply%26p%3D1")

    back = f"{LIST}?list=needs_reply&amp;p=1#r{asked.pk}"
    assert request_page.count(back) == 2
    assert after.headers["Location"] == way_in


def test_the_list_asks_the_database_a_fixed_number_of_questions(desk, django_assert_num_queries):
    room = make.schedule()
    for hour in (14, 15):
        make.confirmed(room, starts_at=make.TUESDAY_9.replace(hour=hour), email=f"p{hour}@x.org")

        with django_assert_num_queries(LIST_QUERIES):
            desk.get(LIST)


LIST_QUERIES = 19


def test_the_list_of_many_years_asks_the_same_questions(desk, django_assert_num_queries):
    asked = make.confirmed()
    columns = {
        field.column: f'"{field.column}"'
        for field in AppointmentRequest._meta.concrete_fields
        if not field.generated and not field.primary_key
    }
    columns |= {"submission": "gen_random_uuid()", "reference": "lpad(n::text, 9, '0')"}
    columns |= {"status": "'withdrawn'", "expires_at": "NULL", "patient_name": "'Ada ' || n"}
    table = AppointmentRequest._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608
            f"SELECT {', '.join(columns.values())} FROM {table}, generate_series(1, 5000) n"
        )

    with django_assert_num_queries(LIST_QUERIES):
        assert shown(desk) == references(asked)
    assert shown(desk, "?list=all&status=pending") == references(asked)


@pytest.mark.parametrize("url", [f"{LIST}add/", "delete", "change"])
def test_nobody_adds_changes_or_deletes_a_request_by_hand(desk, url):
    asked = make.confirmed()

    response = desk.post(
        url if url.startswith("/") else f"{LIST}{asked.pk}/{url}/",
        {"post": "yes", "status": "accepted", "patient_name": "Mallory"},
    )

    asked.refresh_from_db()
    assert (response.status_code, asked.status, asked.patient_name) == (403, "pending", "Nguyễn Thị Ánh")


def test_a_stranger_is_sent_to_the_login(client):
    asked = make.confirmed()
    pages = [LIST, *(f"{LIST}{asked.pk}/{act}/" for act in ["change", "accept", "note"])]

    found = {client.get(page).headers["Location"].split("?")[0] for page in pages}

    assert found == {"/staff/login/"}


def test_who_may_only_look_is_offered_no_act(client, clock, django_user_model):
    asked = make.confirmed()
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_appointmentrequest"))
    client.force_login(reader)

    page = client.get(f"{LIST}{asked.pk}/change/")

    assert page.context["acts"] == []
    assert 'name="action"' not in client.get(LIST).content.decode()
    assert client.post(f"{LIST}{asked.pk}/accept/").status_code == 403
