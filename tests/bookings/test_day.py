"""The day, the week, moving a visit and offering a free time, as the front desk sees them."""

import re
from datetime import UTC, datetime, time, timedelta
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Closure, Schedule, Viewing
from tests import make

pytestmark = pytest.mark.django_db

DAY = "/staff/bookings/appointment/"
WEEK = "/staff/bookings/appointment/week/"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """It is the Monday of the tests."""
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)


@pytest.fixture
def desk(client):
    client.force_login(make.staff())
    return client


class Sheet(HTMLParser):
    """The table of the page as a screen reader counts it: rows of (words, rowspan)."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.cell = [], None
        self.feed(html[html.index("<table") : html.index("</table>")])

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.cell = ["", int(attrs.get("rowspan", 1)), attrs.get("class", "")]
            self.rows[-1].append(self.cell)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell[0] = " ".join(self.cell[0].split())
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.cell[0] += f" {data}"


def move_url(asked):
    return reverse("admin:bookings_appointment_move", args=[asked.appointments.get().pk])


def day(client, room, on="2027-03-10", url=DAY):
    response = client.get(url, {"location": room.location.slug, "date": on})
    assert response.status_code == 200
    return response.content.decode()


def row_at(sheet, at):
    return next(row for row in sheet.rows if row[0][0].startswith(at))


def test_the_day_has_a_column_for_each_schedule_and_every_row_is_full(desk):
    room = make.schedule()
    second = make.schedule(room.location, make.visit_type(step_minutes=20), name="Chair 1")
    make.accepted(room)
    make.accepted(second, starts_at=make.WEDNESDAY_9 + timedelta(minutes=20), email="bo@example.com")

    sheet = Sheet(day(desk, room))

    assert [cell[0] for cell in sheet.rows[0]] == ["Time", "Chair 1", "Room"]
    covered = [0, 0]
    for index, row in enumerate(sheet.rows[1:]):
        cells = row[1:]
        for column in range(2):
            if covered[column] == index:
                covered[column] += cells.pop(0)[1]
        assert cells == []
    assert covered == [len(sheet.rows) - 1] * 2


def test_taken_free_held_and_closed_time_are_told_apart_in_words_and_by_shape(desk):
    room = make.schedule()
    make.accepted(room)
    make.confirmed(room, starts_at=make.WEDNESDAY_9 + timedelta(hours=2), email="bo@example.com")
    Closure.objects.create(
        location=room.location,
        starts_at=make.WEDNESDAY_9 + timedelta(hours=4),
        ends_at=make.WEDNESDAY_9 + timedelta(hours=5),
        reason="training",
    )

    sheet = Sheet(day(desk, room))

    assert row_at(sheet, "9am EST")[1][2].strip() == "taken"
    assert "Booked" in row_at(sheet, "9am EST")[1][0]
    assert row_at(sheet, "10am EST")[1][2] == "free"
    assert row_at(sheet, "11am EST")[1][2] == "taken held"
    assert "Held until Tuesday, March 9, 2027 at 5pm EST, not booked" in row_at(sheet, "11am EST")[1][0]
    assert row_at(sheet, "1pm EST")[1] == ["Room: closed: training", 2, "closed"]


def test_a_free_time_opens_the_form_for_a_call_with_it_filled_in(desk):
    room = make.schedule()

    page = day(desk, room)
    link = re.search(r'href="([^"]+)">\s*Free<span class="vh"> at 9:30am EST', page).group(1)
    form = desk.get(link.replace("&amp;", "&")).content.decode()

    assert 'value="2027-03-10"' in form and 'value="09:30"' in form
    assert f'<option value="{room.pk}" selected>Room</option>' in form
    assert "Wednesday, March 10, 2027 at 9:30am EST" in form


def test_names_are_for_the_screen_and_initials_for_the_wall(desk):
    room = make.schedule()
    asked = make.accepted(room)

    page = day(desk, room)

    on_paper = re.search(r'<p class="for-paper">\s*(<bdi>N\. .*?)</p>', page, re.DOTALL).group(1)
    assert " ".join(on_paper.split()) == f"<bdi>N. T. Á.</bdi> {asked.reference}, 1 hour"
    assert re.findall(r"for-screen[^§]{,300}Nguyễn Thị Ánh", page)
    assert page.count("Nguyễn Thị Ánh") == 1


def test_the_hour_that_comes_twice_stands_there_twice(desk):
    place = make.location(hours=(time(0), time(4)), weekdays=range(7))
    room = make.schedule(place)

    spring, fall = (Sheet(day(desk, room, on)) for on in ("2027-03-14", "2027-11-07"))

    assert [row[0][0] for row in fall.rows[1:]] == [
        "midnight EDT", "12:30am EDT", "1am EDT", "1:30am EDT", "1am EST", "1:30am EST",
        "2am EST", "2:30am EST", "3am EST", "3:30am EST",
    ]  # fmt: skip
    assert [row[0][0] for row in spring.rows[1:]] == [
        "midnight EST", "12:30am EST", "1am EST", "1:30am EST", "3am EDT", "3:30am EDT",
    ]  # fmt: skip


def test_the_now_line_stands_on_today_only(desk):
    room = make.schedule()

    page, other = day(desk, room, "2027-03-08"), day(desk, room, "2027-03-10")

    assert re.findall(r'aria-current="time">\s*<th[^>]*>\s*([^<]*?)\s*<span', page) == ["noon EST"]
    assert "now-word" not in other


def test_who_did_not_come_and_who_took_the_time_stand_in_one_cell(desk, monkeypatch):
    room = make.schedule()
    absent = make.accepted(room, starts_at=make.NOW + timedelta(hours=2))
    monkeypatch.setattr(timezone, "now", lambda: make.NOW + timedelta(hours=2, minutes=10))
    make.stay_signed_in(now=timezone.now())
    lifecycle.mark_noshow(absent, by=make.staff("kim"), now=timezone.now())
    choice = lifecycle.Choice(room.visit_types.get(), room.location, make.NOW + timedelta(hours=2.5), room)
    late = make.asking(
        room, starts_at=choice.starts_at, schedule=room, by=make.staff("lee"), now=timezone.now()
    )
    lifecycle.submit(**late)

    sheet = Sheet(day(desk, room, "2027-03-08"))

    words, rows, _ = row_at(sheet, "2pm EST")[1]
    assert ("Did not come" in words, "2:30pm EST to 3:30pm EST" in words) == (True, True)
    assert [row[0][0] for row in sheet.rows if row[0][0].startswith("2")] == [
        "2pm EST", "2:10pm EST now", "2:30pm EST",
    ]  # fmt: skip
    assert rows == 4  # 2pm, now, 2:30 and 3pm


def test_a_hold_that_ran_out_is_free_time_before_anybody_swept_it(desk):
    room = make.schedule()
    asked = make.confirmed(room)
    asked.appointments.update(held_until=make.NOW)

    assert row_at(Sheet(day(desk, room)), "9am EST")[1][2] == "free"


def test_a_visit_across_midnight_stands_on_both_days_and_is_clipped(desk):
    place = make.location(hours=(time(20), time(4)), weekdays=range(7))
    room = make.schedule(place)
    around = make.visit_type(minutes=120, step_minutes=30)
    room.visit_types.set([around])
    make.accepted(room, starts_at=datetime(2027, 3, 12, 4, tzinfo=UTC), email="bo@example.com")

    first, second = (Sheet(day(desk, room, on)) for on in ("2027-03-11", "2027-03-12"))

    assert row_at(first, "11pm EST")[1][1:] == [2, "taken"]
    assert second.rows[1][0][0] == "midnight EST" and second.rows[1][1][1:] == [2, "taken"]
    assert "11pm EST to 1am EST" in second.rows[1][1][0]


def test_a_chair_out_of_use_is_shown_while_visits_stand_in_it(desk):
    room = make.schedule()
    make.accepted(room)
    Schedule.objects.update(is_active=False)

    with_visit, without = Sheet(day(desk, room)), day(desk, room, "2027-03-11")

    assert [cell[0] for cell in with_visit.rows[0]] == ["Time", "Room"]
    assert "Booked" in row_at(with_visit, "9am EST")[1][0]
    assert row_at(with_visit, "10am EST")[1] == ["Room: closed: not in use", 14, "closed"]
    assert " free" not in day(desk, room, url=WEEK)
    assert "Closed all day: no opening hours, and nobody comes." in without


def test_previous_next_and_today_lead_on_and_the_desk_is_remembered(desk):
    make.schedule()
    room = make.schedule(make.location(name="Norfolk"))

    page = day(desk, room, "2027-02-28")

    assert "date=2027-02-27" in page and "date=2027-03-01" in page
    assert "<h1>Norfolk: " in desk.get(DAY).content.decode()


@pytest.mark.parametrize(
    "query", ["date=tomorrow", "date=2027-02-29", "date=9999-12-31", "location=nowhere", "date=0001-01-01"]
)
@pytest.mark.parametrize("url", [DAY, WEEK])
def test_a_day_or_place_that_is_none_is_named_and_today_is_shown(desk, url, query):
    make.schedule()

    response = desk.get(f"{url}?{query}")

    assert response.status_code == 200
    assert "There is a problem" in response.content.decode()


def test_the_week_shows_each_day_with_its_visits_and_free_time(desk):
    room = make.schedule()
    asked = make.accepted(room)

    page = day(desk, room, "2027-03-13", url=WEEK)
    sheet = Sheet(page)

    assert [row[0][0].partition(",")[0] for row in sheet.rows[1:]] == [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]  # fmt: skip
    assert (
        row_at(sheet, "Wednesday")[1][0]
        == f"Room: 9am EST , {asked.reference} N. T. Á. , 1 hour 7 hours free"
    )
    assert row_at(sheet, "Saturday")[1][0] == "Room: not open"
    assert "Nguyễn" not in page


@pytest.mark.parametrize("visits", [1, 4])
@pytest.mark.parametrize(("url", "queries"), [(DAY, 13), (WEEK, 11)])
def test_the_day_asks_the_database_the_same_number_of_questions(
    desk, visits, url, queries, django_assert_num_queries
):
    room = make.schedule()
    for number in range(visits):
        extra = make.schedule(room.location, room.visit_types.get(), name=f"Chair {number}")
        at = make.WEDNESDAY_9 + timedelta(hours=number)
        make.accepted(extra, starts_at=at, email=f"a{number}@example.com")
        make.waitlisted(room, email=f"w{number}@example.com")
    day(desk, room, url=url)

    with django_assert_num_queries(queries):
        day(desk, room, url=url)


def test_who_may_not_see_appointments_is_refused(client, django_user_model):
    room = make.schedule()
    asked = make.accepted(room)
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))

    assert [client.get(url).status_code for url in (DAY, WEEK, move_url(asked), f"{DAY}phone/")] == [403] * 4


def test_who_may_only_look_sees_the_day_without_acts(client, django_user_model):
    room = make.schedule()
    asked = make.accepted(room)
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_appointment"))
    client.force_login(reader)

    page = day(client, room)

    assert "data-move" not in page and "data-start" not in page and "/phone/" not in page
    assert client.post(move_url(asked), {}).status_code == 403


def test_every_look_at_the_day_stands_in_the_trail(desk):
    room = make.schedule()
    asked, waiting = make.accepted(room), make.waitlisted(room, email="w@example.com")
    for url in (DAY, WEEK):
        day(desk, room, url=url)
    desk.get(move_url(asked))

    seen = [(look.kind, look.requests) for look in Viewing.objects.order_by("pk")]

    assert seen == [("list", [asked.pk, waiting.pk]), ("list", [asked.pk]), ("record", [asked.pk])]
