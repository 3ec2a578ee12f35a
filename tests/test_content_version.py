import threading
import time

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Closure, Location, OpeningHours, Schedule, VisitType
from clinic_site import content_version
from clinic_site.content_version import ContentVersion, number_in
from pages import publishing
from pages.models import Page, Redirect, Source
from tests import make
from tests.pages import make as make_page


def rises(act, *arguments, **more):
    before = number_in(connection)
    act(*arguments, **more)
    return number_in(connection) > before


def sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_every_change_that_readers_can_see_raises_the_number_by_whatever_way():
    room = make.schedule()
    page = make_page.starter().page
    place, visit = room.location, room.visit_types.get()
    Closure.objects.create(location=place, starts_at=make.TUESDAY_9, ends_at=make.WEDNESDAY_9)
    boss, writer = make_page.reviewer(), make_page.writer()
    revision = make_page.proposed(page, by=writer, title="Dark")

    silent = {
        "approval": rises(make_page.approved, revision, by=boss),
        "redirect": rises(Redirect.objects.create, old_path="old", page=page),
        "withdrawal": rises(publishing.withdraw, page, by=boss, reason="wrong", now=make.NOW),
        "source": rises(Source.objects.update, retracted=True),
        "a page by SQL": rises(sql, "UPDATE pages_page SET position = 3"),
        "name": rises(get_user_model().objects.filter(pk=boss.pk).update, last_name="Li"),
        "place": rises(place.save),
        "hours": rises(OpeningHours.objects.filter(location=place).delete),
        "new hours": rises(
            OpeningHours.objects.bulk_create,
            [OpeningHours(location=place, weekday=0, opens="9:00", closes="10:00")],
        ),
        "closure": rises(Closure.objects.all().delete),
        "price": rises(VisitType.objects.update, price=100),
        "schedule": rises(Schedule.objects.update, is_active=False),
        "visits of a schedule": rises(room.visit_types.remove, visit),
        "everything by SQL": rises(sql, "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE pages_source"),
    }

    assert [name for name, rose in silent.items() if not rose] == []


@pytest.mark.django_db
def test_a_request_an_appointment_and_a_proposal_do_not_raise_the_number():
    room, page = make.schedule(), make_page.starter().page
    kim, writer = make.staff("kim"), make_page.writer()
    number = number_in(connection)

    asked = make.confirmed(room)
    lifecycle.accept(asked, by=kim, now=make.NOW)
    make_page.proposed(page, by=writer)
    get_user_model().objects.filter(pk=kim.pk).update(last_login=timezone.now())

    assert number_in(connection) == number


def test_no_editor_waits_for_another_and_none_is_missed(real_commits):
    place, page = make.location(), make_page.starter().page
    number, done = number_in(connection), []

    def meanwhile():
        with transaction.atomic():
            sql("SET LOCAL lock_timeout = '1s'")
            Location.objects.update(position=5)
            Source.objects.update(sample_size=5)
            done.append(True)
        connections.close_all()

    with transaction.atomic():
        Page.objects.filter(pk=page.pk).update(position=1)
        OpeningHours.objects.filter(location=place).update(closes="16:00")
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()
        assert done and number_in(connection) == number + 4
    assert number_in(connection) == number + 4
    Page.objects.filter(pk=page.pk).update(position=2)
    assert number_in(connection) == number + 5


def test_where_the_database_is_away_the_last_number_stays_and_the_silence_is_counted(monkeypatch, caplog):
    answers = iter([7, OperationalError("away"), ValueError("odd"), 8])

    def asks(database):
        answer = next(answers, 8)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(content_version, "number_in", asks)
    monkeypatch.setattr(content_version, "EVERY", 0.05)
    version, seen = ContentVersion(), []
    while (number := version.number) != 8:
        if number:
            seen.append((number, version.silence))
        time.sleep(0.005)
    version.stop()

    assert {number for number, _ in seen} == {7} and 0.1 < seen[-1][1] < 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_the_number_comes_from_the_copy_that_pages_are_read_from_while_it_answers(monkeypatch):
    numbers = {"replica": iter([7, OperationalError("away"), 7]), "default": iter([8])}
    asked = []

    def asks(database):
        asked.append(database.alias)
        answer = next(numbers[database.alias], 9)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(content_version, "number_in", asks)
    monkeypatch.setattr(content_version, "EVERY", 0.01)
    monkeypatch.setitem(connections.settings, "replica", connection.settings_dict)
    version, seen = ContentVersion(), []
    while (number := version.number) != 9:
        seen += [number] if number and number not in seen[-1:] else []
        time.sleep(0.001)
    version.stop()

    assert asked[:4] == ["replica", "replica", "default", "replica"] and seen == [7, 8, 7]
