"""The first page of the staff counts what needs doing, and each number leads to as long a list."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from bookings import lifecycle
from bookings.admin import home
from bookings.lifecycle import Choice
from bookings.models import Closure, Location, Message, OpeningHours
from pages.admin.home import due_pages
from tests import make
from tests.pages import make as make_page

pytestmark = pytest.mark.django_db


def hour(number):
    return make.WEDNESDAY_9 + timedelta(hours=number)


def counted(now):
    return {each["name"]: (each["number"], each["late"]) for each in home.to_do(now=now)}


def test_what_needs_doing_is_counted():
    room, kim = make.schedule(), make.staff("kim")
    for number in range(2):
        make.confirmed(room, starts_at=hour(number))
    make.confirmed(room, now=make.later(days=1), starts_at=hour(48))
    make.submitted(room, starts_at=hour(3), email="one@example.com")
    seen = make.accepted(room, starts_at=hour(-24))
    make.accepted(room, starts_at=hour(-23))
    lifecycle.fulfil(seen, by=kim, now=hour(-23))
    Message.objects.filter(request=seen, kind__in=["received", "staff_new"]).update(status="failed")

    assert counted(hour(0)) == {
        "Needs reply": (3, 2),
        "Unverified": (1, 0),
        "Mail problems": (1, 0),
        "Unresolved": (1, 0),
        "Estimates": (0, 0),
    }


def test_today_is_the_location_s_own_day():
    visit = make.visit_type()
    east = make.schedule(make.location(name="East"), visit)
    west = make.schedule(make.location(name="West", time_zone="America/Los_Angeles", position=1), visit)
    for number in (0, 1):
        make.accepted(east, starts_at=hour(number))
    make.accepted(west, starts_at=hour(3))
    came = make.accepted(west, starts_at=hour(-24 + 4))
    lifecycle.arrive(came, by=make.staff("kim"), now=hour(-20))
    # Wednesday at 1am in the East is Tuesday at 10pm in the West.
    now = datetime(2027, 3, 10, 6, tzinfo=UTC)

    found = home.today(list(Location.objects.all()), now=now)

    assert [(str(each["place"]), each["number"], each["came"]) for each in found] == [
        ("East", 2, 0),
        ("West", 1, 1),
    ]


def test_a_time_that_was_given_back_is_named_and_leads_to_who_has_waited_longest_for_it(client, monkeypatch):
    room, kim = make.schedule(), make.staff("kim")
    wednesday = {"first": date(2027, 3, 10), "last": date(2027, 3, 10)}
    late = make.waitlisted(room, email="late@x.org", now=make.later(hours=2), **wednesday)
    early = make.waitlisted(room, email="early@x.org", now=make.later(hours=1), **wednesday)
    make.waitlisted(room, email="c@x.org", first=date(2027, 3, 13), last=date(2027, 3, 14))  # a weekend
    make.waitlisted(email="d@x.org", **wednesday)  # elsewhere
    taken = [make.accepted(room, starts_at=hour(number), email=f"{number}@x.org") for number in range(4)]
    now = make.later(hours=3)
    assert home.could_come(now=now) == []

    for number in (0, 1, 2):
        lifecycle.cancel(taken[number], now=now, by=kim)
    make.confirmed(room, starts_at=hour(0), email="quick@x.org", now=now)

    assert [(each["asked"], each["when"]) for each in home.could_come(now=now)] == [
        (early, "Wednesday, March 10, 2027 at 10am EST"),
        (late, "Wednesday, March 10, 2027 at 11am EST"),
    ]
    monkeypatch.setattr(timezone, "now", lambda: now)
    client.force_login(kim)
    make.stay_signed_in(now=now)
    url = home.could_come(now=now)[0]["url"]
    waiting = client.get(url).context["waiting"]
    assert [(one["asked"], one["start"], one["schedule"]) for one in waiting] == [
        (early, "2027-03-10T15:00:00+00:00", room),
        (late, "2027-03-10T15:00:00+00:00", room),
    ]
    Closure.objects.create(location=room.location, starts_at=hour(1), ends_at=hour(2))
    assert [each["when"] for each in home.could_come(now=now)] == ["Wednesday, March 10, 2027 at 11am EST"]
    OpeningHours.objects.update(closes=time(11))
    assert home.could_come(now=now) == []


def test_a_time_that_a_move_gave_back_is_named_once_until_somebody_has_it():
    room, kim = make.schedule(), make.staff("kim")
    asked = make.accepted(room)
    waiting = [make.waitlisted(room, email=f"{number}@x.org") for number in range(2)]
    afternoon, back = (Choice(asked.visit_type, room.location, hour(number), room) for number in (4, 0.5))
    for choice in (afternoon, back, afternoon):
        asked.refresh_from_db()
        lifecycle.reschedule(asked, choice, by=kim, now=make.NOW)

    assert [(each["asked"], each["when"]) for each in home.could_come(now=make.NOW)] == [
        (waiting[0], "Wednesday, March 10, 2027 at 9am EST")
    ]
    make.accepted(room, email="quick@x.org")
    assert home.could_come(now=make.NOW) == []


def test_a_time_too_short_for_the_visit_is_not_named():
    room, long = make.schedule(), make.visit_type(minutes=120)
    asked = make.accepted(room)
    make.waitlisted(make.schedule(room.location, long, "Other"), email="long@x.org")
    room.visit_types.add(long)

    lifecycle.cancel(asked, now=make.NOW)

    assert home.could_come(now=make.NOW) == []


def test_how_full_a_day_is_and_which_is_closed():
    room = make.schedule()
    for number in range(4):
        make.accepted(room, starts_at=hour(number))
    Closure.objects.create(location=room.location, starts_at=hour(20), ends_at=hour(40))  # Thursday

    rows = home.full([room.location], now=make.NOW)[0]["rows"]

    assert len(rows) == 14
    assert [share for _, share in rows[:6]] == [0, 0, 50, None, 0, None]


def test_requests_and_replies_of_the_last_weeks_are_drawn():
    make.accepted()
    make.confirmed(email="other@example.com", now=make.later(days=7), starts_at=hour(24 * 7))

    rows = home.asked(now=make.later(days=8))["rows"]

    assert len(rows) == 8
    assert rows[-2:] == [(date(2027, 3, 8), 1, 1), (date(2027, 3, 15), 1, 0)]


def test_the_last_of_these_weeks_is_the_one_that_it_is_here_on_a_sunday_evening():
    sunday_at_9pm = datetime(2027, 3, 15, 1, tzinfo=UTC)

    assert home.asked(now=sunday_at_9pm)["rows"][-1][0] == date(2027, 3, 8)


def test_pages_due_for_review_are_counted():
    make_page.approved()
    editor = make.staff("editor")

    def numbers(today):
        return [each["number"] for each in due_pages(editor, today=today)]

    assert numbers(date(2028, 2, 1)) == [0, 1]
    assert numbers(date(2028, 3, 1)) == [1, 1]


def test_each_number_leads_to_a_list_that_opens(client):
    make.accepted()
    client.force_login(make.staff())

    page = client.get("/staff/").content.decode()
    links = re.findall(r'<li>\s*<a href="(/staff/[^"]+)"', page)

    assert len(links) == 5 + 2 + 1
    assert [client.get(link.replace("&amp;", "&")).status_code for link in links] == [200] * 8
    assert page.count('<svg class="plot"') == page.count("<details") == 2


def test_who_may_not_see_requests_or_pages_sees_no_numbers_of_them(client, django_user_model):
    somebody = django_user_model.objects.create_user("new", is_staff=True)
    client.force_login(somebody)

    assert "To do now" not in client.get("/staff/").content.decode()

    somebody.groups.add(Group.objects.create(name="Readers"))
    assert home.desk(somebody, now=make.NOW) == {} and due_pages(somebody, today=date(2027, 3, 8)) == []


def test_the_home_tells_nothing_about_a_patient_and_asks_a_fixed_number_of_questions(
    client, django_assert_max_num_queries
):
    room = make.schedule()
    for number in range(4):
        make.confirmed(room, starts_at=hour(number))
    client.force_login(make.staff())

    with django_assert_max_num_queries(26):
        page = client.get("/staff/").content.decode()

    assert "Nguyễn" not in page and "anh@example.com" not in page
