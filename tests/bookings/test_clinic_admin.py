"""Setting up: what a practice manager types becomes what the clinic means."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError

from bookings import lifecycle
from bookings.models import Closure, Location, OpeningHours, Schedule
from tests import make

pytestmark = pytest.mark.django_db

ADD = "/staff/bookings/closure/add/"


@pytest.fixture
def desk(client):
    client.force_login(make.staff())
    return client


def close(place, **answers):
    return {
        "location": place.pk,
        "schedule": "",
        "reason": "holiday",
        "day": "2027-03-10",
        "hour": "",
        "which": "",
        "last_day": "",
        "last_hour": "",
        "last_which": "",
        "understood": "",
        **answers,
    }


def test_whole_days_are_closed_on_the_clock_of_the_place(desk):
    place = make.location(time_zone="America/Los_Angeles")

    desk.post(ADD, close(place, last_day="2027-03-14"))

    closure = Closure.objects.get()
    assert closure.starts_at == datetime(2027, 3, 10, 8, tzinfo=UTC)
    assert closure.ends_at == datetime(2027, 3, 15, 7, tzinfo=UTC)  # the clocks went forward meanwhile


def test_what_was_closed_is_shown_as_it_was_typed(desk):
    place = make.location()
    desk.post(ADD, close(place, last_day="2027-03-12", hour="09:00"))

    page = desk.get(f"/staff/bookings/closure/{Closure.objects.get().pk}/change/").text

    assert re.findall(r'name="(?:day|hour|last_day|last_hour)"(?: value="([^"]*)")?', page) == [
        "2027-03-10",
        "09:00",
        "2027-03-12",
        "",
    ]


def test_the_visits_in_a_closure_are_listed_before_it_is_saved(desk):
    room = make.schedule()
    asked = make.accepted(room)
    make.accepted(room, starts_at=make.WEDNESDAY_9 + timedelta(days=1), email="bo@example.com")

    page = desk.post(ADD, close(room.location)).text

    assert Closure.objects.count() == 0
    assert "1 visit lies in this time and would stay as it is" in page
    assert f"{asked.reference}</a>, Wednesday, March 10, 2027 at 9am EST, Room (booked)" in page


def test_who_has_seen_the_list_can_close_all_the_same_and_finds_it_again_until_all_are_moved(desk):
    room = make.schedule()
    asked = make.accepted(room)
    page = desk.post(ADD, close(room.location)).text

    seen = re.search(r'name="understood"[^>]*value="([^"]*)"', page).group(1)
    after = desk.post(ADD, close(room.location, understood=seen), follow=True).text

    closure = Closure.objects.get()
    words = "1 visit still lies in this closure, to move or cancel."
    assert f'{words} <a href="/staff/bookings/closure/{closure.pk}/change/">' in after
    assert asked.appointments.get().status == "booked"
    still = desk.get(f"/staff/bookings/closure/{closure.pk}/change/").text.split("Visits still in it")[1]
    assert f"{asked.reference}</a>, Wednesday, March 10, 2027 at 9am EST, Room (booked)" in still
    lifecycle.cancel(asked, by=make.staff("kim"), now=make.NOW)
    still = desk.get(f"/staff/bookings/closure/{closure.pk}/change/").text.split("Visits still in it")[1]
    assert asked.reference not in still and "None." in still


def test_a_visit_booked_since_the_list_was_shown_is_shown_first(desk):
    room = make.schedule()
    make.accepted(room)
    page = desk.post(ADD, close(room.location)).text
    seen = re.search(r'name="understood"[^>]*value="([^"]*)"', page).group(1)
    late = make.accepted(room, starts_at=make.WEDNESDAY_9 + timedelta(hours=2), email="bo@example.com")

    page = desk.post(ADD, close(room.location, understood=seen)).text

    assert Closure.objects.count() == 0
    assert late.reference in page and "2 visits lie in this time and would stay as they are" in page


def test_closing_one_chair_hits_only_its_own_visits(desk):
    room = make.schedule()
    make.accepted(room)
    chair = make.schedule(room.location, name="Chair 1")

    desk.post(ADD, close(room.location, schedule=chair.pk))

    assert Closure.objects.get().schedule == chair


def test_an_hour_that_comes_twice_becomes_a_choice_of_the_two(desk):
    place = make.location()
    times = {"day": "2027-11-07", "hour": "01:30", "last_hour": "05:00"}

    page = desk.post(ADD, close(place, **times)).text
    assert "1:30am EDT, the first" in page and "1:30am EST, the second" in page
    assert Closure.objects.count() == 0
    desk.post(ADD, close(place, **times, which="1"))

    assert Closure.objects.get().starts_at == datetime(2027, 11, 7, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"day": ""}, "Enter a day"),
        ({"day": "2027-02-29"}, "Enter a day that exists"),
        ({"day": "9999-12-31"}, "Enter a day between 2000 and 2100"),
        ({"last_day": "2027-03-09"}, "It ends before it starts"),
        ({"last_day": "", "hour": "12:00", "last_hour": "09:00"}, "It ends before it starts"),
        ({"day": "2027-03-14", "hour": "02:30"}, "There is no 02:30 in Arlington on that day"),
        ({"location": ""}, "Select a location"),
        ({"schedule": "other"}, "This chair or room belongs to another location"),
    ],
)
def test_what_cannot_be_closed_is_named_and_what_was_typed_stays(desk, wrong, said):
    place = make.location()
    if wrong.get("schedule"):
        wrong = {"schedule": make.schedule().pk}

    page = desk.post(ADD, close(place, **{"last_day": "2027-03-14", **wrong})).text

    assert said in page
    assert Closure.objects.count() == 0


def test_who_may_only_look_reads_when_it_is_closed(client, django_user_model):
    place = make.location()
    closure = Closure.objects.create(
        location=place, starts_at=make.WEDNESDAY_9, ends_at=make.WEDNESDAY_9 + timedelta(hours=1)
    )
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_closure"))
    client.force_login(reader)

    page = client.get(f"/staff/bookings/closure/{closure.pk}/change/").text

    assert "Wednesday, March 10, 2027 at 9am EST" in page and 'name="day"' not in page


def test_the_list_of_closures_speaks_in_the_time_of_each_place(desk):
    desk.post(ADD, close(make.location(time_zone="America/Los_Angeles"), hour="09:00"))

    page = desk.get("/staff/bookings/closure/").text

    assert "Wednesday, March 10, 2027 at 9am PST" in page


def test_a_chair_gets_hours_of_its_own_in_its_own_location(desk):
    chair = make.schedule()
    form = {
        "location": chair.location_id,
        "name": "Room",
        "visit_types": chair.visit_types.get().pk,
        "position": "0",
        "is_active": "on",
        "opening_hours-TOTAL_FORMS": "1",
        "opening_hours-INITIAL_FORMS": "0",
        "opening_hours-0-weekday": "2",
        "opening_hours-0-opens": "13:00",
        "opening_hours-0-closes": "17:00",
    }

    desk.post(f"/staff/bookings/schedule/{chair.pk}/change/", form)

    own = OpeningHours.objects.get(schedule=chair)
    assert (own.location, own.weekday, own.opens.hour) == (chair.location, 2, 13)


def test_a_chair_with_visits_stays_where_patients_were_told_to_come(desk):
    chair, empty = make.schedule(), make.schedule()
    make.accepted(chair)
    for one in (chair, empty):
        form = {"location": make.location(name="Far").pk, "name": "Room", "position": "0"}
        form |= {"visit_types": one.visit_types.get().pk, "is_active": "on"}
        form |= {"opening_hours-TOTAL_FORMS": "0", "opening_hours-INITIAL_FORMS": "0"}
        desk.post(f"/staff/bookings/schedule/{one.pk}/change/", form)
        one.refresh_from_db()

    assert (chair.location.name, empty.location.name) == ("Arlington", "Far")


@pytest.mark.parametrize("kind", ["location", "visittype", "schedule"])
def test_what_visits_hang_on_cannot_be_deleted(desk, kind):
    room = make.schedule()
    pk = {"location": room.location_id, "visittype": room.visit_types.get().pk, "schedule": room.pk}[kind]

    assert desk.post(f"/staff/bookings/{kind}/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert Schedule.objects.count() == 1


def test_the_set_up_pages_say_what_a_change_does_to_visits_that_are_booked(desk):
    room = make.schedule()
    pages = [
        desk.get(f"/staff/bookings/{kind}/{pk}/change/").text
        for kind, pk in [
            ("location", room.location_id),
            ("visittype", room.visit_types.get().pk),
            ("schedule", room.pk),
        ]
    ]

    assert [re.search(r"booked (there )?(stay|keep)", page) is not None for page in pages] == [True] * 3


def test_what_is_missing_in_the_set_up_is_asked_for_by_its_name(desk):
    emptied = {"opening_hours-TOTAL_FORMS": 1, "opening_hours-0-valid_from": "2027-03-10"}

    page = desk.post("/staff/bookings/schedule/add/", {**emptied, "opening_hours-INITIAL_FORMS": 0}).text

    assert re.findall(r"(?:Select|Enter) the [\w ]+(?=</li>)", page) == [
        "Select the location", "Enter the name", "Select the visit types", "Enter the place in lists",
        "Select the weekday", "Enter the opening time", "Enter the closing time",
    ]  # fmt: skip
    assert "This field is required" not in page


@pytest.mark.parametrize("name", ["localtime", "Factory", "EST", "Mars/Base", "america/new_york"])
def test_what_is_no_zone_of_a_place_on_earth_is_no_time_zone(name):
    with pytest.raises(ValidationError, match="is not a time zone"):
        Location._meta.get_field("time_zone").run_validators(name)


@pytest.mark.parametrize(
    ("field", "number", "sentence"),
    [
        ("minutes", 1441, "Enter at most 1,440 minutes, which is a day"),
        ("minutes_before", 30_000, "Enter at most 1,440 minutes, which is a day"),
        ("minutes_after", 9_999_999, "Enter at most 1,440 minutes, which is a day"),
        ("step_minutes", 4, "Enter at least 5 minutes between two starts"),
        ("step_minutes", 1441, "Enter at most 1,440 minutes, which is a day"),
        ("notice_hours", 8761, "Enter at most 8,760 hours, which is a year"),
        ("horizon_days", 731, "Enter at most 730 days, which is two years"),
        ("change_notice_hours", 8761, "Enter at most 8,760 hours, which is a year"),
    ],
)
def test_a_number_that_would_keep_every_page_waiting_is_refused_with_a_sentence(
    desk, field, number, sentence
):
    visit = make.visit_type()
    page = desk.get(f"/staff/bookings/visittype/{visit.pk}/change/")
    typed = {name: value or "" for name, value in page.context["adminform"].form.initial.items()}

    said = desk.post(f"/staff/bookings/visittype/{visit.pk}/change/", {**typed, field: number})

    assert said.status_code == 200 and sentence in said.text and f'value="{number}"' in said.text
    before = getattr(visit, field)
    visit.refresh_from_db()
    assert getattr(visit, field) == before


@pytest.mark.parametrize(
    "name", ["Bay\r\nATTACH:x", "Bay\nEast", "Bay \u202etsaE", "Bay\u2028East", "Bay\x1b[2J"]
)
@pytest.mark.parametrize("kind", ["location", "visittype", "schedule"])
def test_a_name_of_more_than_one_line_is_refused_with_a_sentence(desk, kind, name):
    """With a line break in the name of a place, no email about a visit there left any more."""
    room = make.schedule()
    named = {"location": room.location, "visittype": room.visit_types.get(), "schedule": room}[kind]
    address = f"/staff/bookings/{kind}/{named.pk}/change/"
    hours = {
        f"{of}-{key}": 0 for of in ("opening_hours", "schedules") for key in ("TOTAL_FORMS", "INITIAL_FORMS")
    }

    refused, taken = (desk.post(address, {**hours, "name": each}) for each in (name, "Clínica “Bay”, 東"))

    said = "Type this anew: it holds a line break or a hidden sign"
    assert said in refused.text and said not in taken.text
