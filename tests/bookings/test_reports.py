"""The numbers are right, tell nothing about a person, and every file of them is recorded."""

import csv
import io
import re
from datetime import date, time, timedelta

import pytest

from bookings import charts, fullness, lifecycle, reports
from bookings.admin.reports import harmless
from bookings.models import Closure, Message, Viewing
from bookings.reports import Span
from tests import make

pytestmark = pytest.mark.django_db
MARCH_8, MARCH_15 = date(2027, 3, 8), date(2027, 3, 15)
TWO_WEEKS = Span(MARCH_8, 2)
REQUESTS = "/staff/bookings/appointmentrequest/"
WHOLE = "?until=2027-03-20&weeks=4"


@pytest.fixture
def boss(client):
    client.force_login(make.staff("mia"))
    return client


def hour(number):
    return make.WEDNESDAY_9 + timedelta(hours=number)


def only(rows, **wanted):
    """The one row of that group, without what it is grouped by."""
    rows = [row for row in rows if {key: row.get(key) for key in ("week", "place")} == wanted]
    assert len(rows) == 1
    return {key: value for key, value in rows[0].items() if key not in wanted and value}


def week(rows, monday=MARCH_8, place="Arlington"):
    return only(rows, week=monday, place=place)


def test_requests_are_counted_by_week_and_location_and_outcome():
    room, kim = make.schedule(), make.staff("kim")
    far = make.schedule(make.location(name="Far"), room.visit_types.get())
    for number in range(2):
        lifecycle.accept(make.confirmed(room, starts_at=hour(number)), by=kim, now=make.NOW)
    lifecycle.decline(make.confirmed(room, starts_at=hour(2)), by=kim, reason="no_time", now=make.NOW)
    make.submitted(room, starts_at=hour(3), email="one@example.com")
    make.confirmed(room, starts_at=hour(3), email="two@example.com", now=make.later(minutes=30))
    make.confirmed(far)
    make.confirmed(far, now=make.later(days=7), starts_at=make.WEDNESDAY_9 + timedelta(days=7))
    lifecycle.sweep(now=make.later(days=2))

    found = reports.numbers(TWO_WEEKS)["requests"]

    assert week(found) == {"asked": 5, "accepted": 2, "declined": 1, "expired": 2, "unconfirmed": 1}
    assert week(found, place="Far") == {"asked": 1, "expired": 1}
    assert week(found, MARCH_15, "Far") == {"asked": 1, "pending": 1}
    assert only(found, week=None, place="Far") == {"asked": 2, "expired": 1, "pending": 1}
    assert only(found, week=MARCH_8, place=None)["asked"] == 6
    of_far = reports.numbers(Span(MARCH_8, 2, far.location))["requests"]
    assert [row["place"] for row in of_far if "place" in row] == ["Far"] * 3
    assert reports.numbers(Span(MARCH_15 + timedelta(days=7), 5))["requests"] == []


def test_two_places_of_one_name_are_one_row_with_the_numbers_of_both():
    rooms = [make.schedule(name=name) for name in ("Room", "Room", "Chair")]
    for number, room in enumerate([rooms[0], rooms[1], rooms[1], rooms[2]]):
        make.accepted(room, starts_at=hour(number), email=f"{number}@example.com")

    found = reports.numbers(TWO_WEEKS, "visits", "replies", "schedules")

    assert (
        week(found["visits"])["booked"] == only(found["visits"], week=None, place="Arlington")["booked"] == 4
    )
    assert only(found["visits"], week=MARCH_8, place=None)["booked"] == 4
    assert week(found["replies"])["answered"] == 4
    assert week(found["schedules"], place="Arlington, Room")["taken"] == 3 * 60


def test_a_week_begins_at_midnight_of_its_location():
    visit = make.visit_type()
    for zone in ("America/New_York", "America/Denver"):
        room = make.schedule(make.location(name=zone, time_zone=zone), visit)
        # Monday, March 15, 1am in New York is still Sunday in Denver.
        make.confirmed(room, now=make.NOW.replace(day=15, hour=5), starts_at=hour(24 * 7 + 2))

    by_both = [row for row in reports.numbers(TWO_WEEKS)["requests"] if {"week", "place"} <= set(row)]
    found = {(row["week"], row["place"]) for row in by_both}

    assert found == {(MARCH_15, "America/New_York"), (MARCH_8, "America/Denver")}


def test_the_time_to_reply_runs_from_the_confirmed_address_to_the_first_answer():
    room, kim = make.schedule(), make.staff("kim")
    for number, waited in enumerate([1, 2, 3, 4, 20]):
        asked = make.submitted(
            room, starts_at=hour(number), email=f"{number}@example.com", now=make.later(hours=-5)
        )
        asked = lifecycle.verify(asked, now=make.NOW)
        asked = lifecycle.offer(
            asked,
            lifecycle.Choice(asked.visit_type, asked.location, hour(24 + number)),
            by=kim,
            now=make.later(hours=waited),
        )
        lifecycle.refuse_offer(asked, now=make.later(hours=21))
        asked.refresh_from_db()
        lifecycle.decline(asked, by=kim, reason="no_time", now=make.later(hours=22))
    make.confirmed(room, starts_at=hour(6))
    lifecycle.accept(make.submitted(room, starts_at=hour(7), via="phone", by=kim), by=kim, now=make.NOW)

    assert week(reports.numbers(TWO_WEEKS)["replies"]) == {
        "asked": 6,
        "answered": 5,
        "median": timedelta(hours=3),
        "ninetieth": timedelta(hours=4 + 16 * 0.6),
    }


def test_visits_are_counted_by_what_came_of_them_and_holds_are_none():
    room, kim = make.schedule(), make.staff("kim")
    visits = [make.accepted(room, starts_at=hour(number)) for number in range(6)]
    make.confirmed(room, starts_at=hour(6))
    after = hour(9)
    lifecycle.fulfil(visits[0], by=kim, now=after)
    lifecycle.fulfil(visits[1], by=kim, now=after)
    lifecycle.mark_noshow(visits[2], by=kim, now=after)
    lifecycle.cancel(visits[3], now=make.NOW)
    lifecycle.enter_in_error(visits[4], by=kim, now=after)

    assert week(reports.numbers(TWO_WEEKS)["visits"]) == {
        "booked": 5,
        "fulfilled": 2,
        "noshow": 1,
        "cancelled": 1,
        "unresolved": 1,
    }


def test_a_cancellation_counts_by_its_notice_and_who_cancelled():
    room, kim = make.schedule(), make.staff("kim")
    at = [hour(0), hour(1), hour(24 * 7), hour(24 * 7 + 1)]
    visits = [make.accepted(room, starts_at=start) for start in at]
    lifecycle.cancel(visits[0], now=hour(-24), by=kim, reason="closed")  # exactly a day: 1 to 7 days
    lifecycle.cancel(visits[1], now=hour(0), by=kim, reason="closed")
    for visit in visits[2:]:
        lifecycle.cancel(visit, now=make.NOW)

    found = reports.numbers(TWO_WEEKS)["cancellations"]

    assert week(found) == {"cancelled": 2, "under_a_day": 1, "under_a_week": 1, "by_clinic": 2}
    assert week(found, MARCH_15) == {"cancelled": 2, "earlier": 2, "by_patient": 2}


def test_messages_are_counted_without_those_to_staff():
    make.confirmed()
    Message.objects.filter(kind="received").update(status="failed")

    found = week(reports.numbers(TWO_WEEKS)["messages"])

    assert (found["owed"], found["failed"]) == (2, 1)


def test_the_use_of_a_schedule_is_what_is_taken_of_what_is_open():
    visit = make.visit_type(minutes=60, minutes_before=15, minutes_after=15)
    room = make.schedule(make.location(hours=(time(9), time(17))), visit)
    idle = make.schedule(room.location, visit, name="Spare")
    make.accepted(room)
    Closure.objects.create(
        location=room.location, schedule=idle, starts_at=hour(-1), ends_at=hour(3)
    )  # its first three open hours
    Closure.objects.create(location=room.location, starts_at=hour(7), ends_at=hour(40))  # and the last one

    wednesday = {use.schedule.name: use for use in fullness.use(date(2027, 3, 10), 1)}

    assert (wednesday["Room"].open, wednesday["Room"].taken) == (7 * 60, 90)
    assert (wednesday["Spare"].open, wednesday["Spare"].taken) == (4 * 60, 0)
    assert [use.open for use in fullness.use(date(2027, 3, 12), 3) if use.schedule == room] == [480, 0, 0]


def test_the_page_has_a_table_and_a_picture_of_each_report(boss, django_assert_max_num_queries):
    lifecycle.cancel(make.accepted(), now=make.NOW)

    with django_assert_max_num_queries(35):
        page = boss.get(f"/staff/reports/{WHOLE}").content.decode()

    assert page.count('<svg class="plot"') == page.count("<table>") == 6
    assert "4 weeks from Monday, February 22, 2027" in page
    assert "Nguyễn" not in page and "anh@example.com" not in page
    assert "Mar 8, 2027" in page and "All weeks" in page


def test_nonsense_in_the_question_is_said_and_the_last_weeks_are_shown(boss):
    page = boss.get("/staff/reports/?location=999&weeks=7&until=soon").content.decode()

    assert re.findall(r'<a href="#span-\w+">(.*?)</a>', page) == [
        "Choose one of our locations.",
        "Choose one of the lengths.",
        "Write the day like 2027-03-08.",
    ]
    assert 'value="soon"' in page and "8 weeks from Monday" in page
    assert boss.get("/staff/reports/?until=0001-01-01").status_code == 200


def sheet(response):
    text = response.content.decode("utf-8-sig")
    assert response.content.startswith(b"\xef\xbb\xbf")
    assert response["Content-Disposition"].startswith("attachment;")
    return list(csv.reader(io.StringIO(text)))


def test_the_numbers_can_be_saved_as_a_file_and_that_is_recorded(boss):
    make.accepted()

    lines = sheet(boss.get(f"/staff/reports/save/{WHOLE}"))

    assert lines[0] == ["Report", "Week of", "Of", "What", "Number"]
    assert ["Requests and what came of them", "2027-03-08", "Arlington", "accepted", "1"] in lines
    assert ["Time to reply, in hours", "all weeks", "Arlington", "median", "0.0"] in lines
    assert "Ánh" not in str(lines)
    assert list(Viewing.objects.values_list("by__username", "kind", "requests")) == [("mia", "numbers", [])]


def test_the_export_has_the_rows_of_the_filtered_list_and_is_recorded(boss):
    room = make.schedule()
    waiting = [make.confirmed(room, starts_at=hour(number), note="secret note") for number in range(2)]
    make.accepted(room, starts_at=hour(2))

    before = boss.get("/staff/export/?list=needs_reply").content.decode()
    lines = sheet(boss.post("/staff/export/?list=needs_reply"))

    assert "<strong>2 requests</strong>" in before and "Ánh" not in before
    assert sorted(line[0] for line in lines[1:]) == sorted(asked.reference for asked in waiting)
    row = dict(zip(lines[0], lines[1], strict=True))
    assert (row["Patient"], row["Asked for"][:10]) == ("Nguyễn Thị Ánh", "2027-03-10")
    assert "secret" not in str(lines)
    viewing = Viewing.objects.get()
    assert (viewing.kind, sorted(viewing.requests)) == ("export", sorted(asked.pk for asked in waiting))


def test_an_export_of_a_list_that_is_not_there_leads_back_to_the_list(boss):
    assert boss.post("/staff/export/?version=x").headers["Location"] == REQUESTS


def test_the_list_leads_to_the_export_with_its_filter(boss):
    page = boss.get(f"{REQUESTS}?list=needs_reply").content.decode()

    assert "/staff/export/?list=needs_reply" in page


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_formula_in_a_name_stays_text_in_the_file(boss, start):
    make.confirmed(patient_name=f"{start}1+1", note="")

    patient = sheet(boss.post("/staff/export/"))[1][8]

    assert patient == f"'{start}1+1"


def test_numbers_and_plain_words_stay_as_they_are():
    assert [harmless(cell) for cell in (-1, 2.5, "a=b", "")] == ["-1", "2.5", "a=b", ""]


def test_a_picture_says_in_words_what_it_shows():
    weeks, series = ["3/8", "3/15"], [("asked", [3, None]), ("late", [0, 1])]

    picture = str(charts.columns("x", "How <many>", weeks, series))

    assert '<desc id="x-desc">3/8: asked 3, late 0. 3/15: asked none, late 1.</desc>' in picture
    assert "How &lt;many&gt;" in picture and 'aria-labelledby="x-title x-desc"' in picture
    assert picture.count("<rect") == 2 + 2  # the legend's, and one column for each number above 0
    assert 'height="6rem"' in picture and 'height="2rem"' in picture  # 3 and 1 of 4, 8rem high


def test_an_axis_ends_at_a_round_number():
    assert [charts.round_up(number) for number in (0, 1, 3, 7, 41, 101, 4001)] == [2, 2, 4, 10, 50, 200, 5000]


def test_a_picture_of_nothing_can_be_drawn():
    assert "<rect" not in str(charts.columns("x", "None", [], [("asked", [])]))
