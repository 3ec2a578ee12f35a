import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from bookings import lifecycle
from bookings.models import AppointmentRequest
from tests import make

pytestmark = pytest.mark.django_db
LIST = "/staff/bookings/appointmentrequest/"


@pytest.fixture
def desk(client):
    client.force_login(make.staff())
    return client


def page_of(asked, act="change"):
    return reverse(f"admin:bookings_appointmentrequest_{act}", args=[asked.pk])


def test_the_list_shows_who_waits_and_until_when(desk):
    asked = make.confirmed()

    page = desk.get(LIST).content.decode()

    assert asked.reference in page and "needs reply" in page
    assert "Wednesday, March 10, 2027 at 9am EST" in page  # asked for
    assert "Wednesday, March 10, 2027 at 7am EST" in page  # reply due


def test_the_page_of_a_request_shows_what_was_asked_and_both_decisions(desk):
    asked = make.confirmed()

    page = desk.get(page_of(asked)).content.decode()

    assert "Nguyễn Thị Ánh" in page and "anh@example.com" in page
    assert page_of(asked, "accept") in page and page_of(asked, "decline") in page


def test_looking_at_a_decision_shows_the_message_and_changes_nothing(desk):
    asked = make.confirmed()

    page = desk.get(page_of(asked, "accept")).content.decode()

    asked.refresh_from_db()
    assert "Your appointment is confirmed." in page and "Your appointment at Example Clinic" in page
    assert asked.status == "pending"


def test_accepting_books_the_time_and_says_so(desk):
    asked = make.confirmed()

    page = desk.post(page_of(asked, "accept"), follow=True).content.decode()

    asked.refresh_from_db()
    assert asked.status == "accepted"
    assert f"{asked.reference}: Accepted. The patient will be told." in page
    assert page_of(asked, "accept") not in page


def test_declining_needs_a_reason(desk):
    asked = make.confirmed()

    page = desk.post(page_of(asked, "decline"), {}).content.decode()

    asked.refresh_from_db()
    assert asked.status == "pending" and "Select a reason" in page


def test_declining_with_a_reason_frees_the_time(desk):
    asked = make.confirmed()

    desk.post(page_of(asked, "decline"), {"reason": "duplicate"})

    asked.refresh_from_db()
    assert (asked.status, asked.reason) == ("declined", "duplicate")
    assert asked.appointments.get().status == "cancelled"


def test_who_decides_second_is_told_who_decided_first(desk):
    asked = make.confirmed()
    lifecycle.accept(asked, by=make.staff("kim"), now=make.NOW)

    page = desk.post(page_of(asked, "decline"), {"reason": "no_time"}, follow=True).content.decode()

    asked.refresh_from_db()
    assert asked.status == "accepted"
    assert "This request is already accepted: kim, Monday, March 8, 2027 at noon EST." in page


@pytest.mark.parametrize("act", ["accept", "decline"])
def test_who_may_only_look_cannot_decide(client, django_user_model, act):
    asked = make.confirmed()
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_appointmentrequest"))
    client.force_login(reader)

    response = client.post(page_of(asked, act), {"reason": "no_time"})

    asked.refresh_from_db()
    assert (response.status_code, asked.status) == (403, "pending")
    assert page_of(asked, act) not in client.get(page_of(asked)).content.decode()


@pytest.mark.parametrize("act", ["change", "accept", "decline"])
def test_a_stranger_is_sent_to_the_login(client, act):
    response = client.get(page_of(make.confirmed(), act))

    assert response.headers["Location"].startswith("/staff/login/")


@pytest.mark.parametrize("url", ["/staff/bookings/appointmentrequest/add/", "delete"])
def test_nobody_adds_or_deletes_a_request_by_hand(desk, url):
    asked = make.confirmed()

    response = desk.post(url if url.startswith("/") else page_of(asked, "delete"), {"post": "yes"})

    assert response.status_code == 403
    assert AppointmentRequest.objects.count() == 1


def test_posting_the_admin_form_changes_nothing(desk):
    asked = make.confirmed()

    response = desk.post(page_of(asked), {"status": "accepted", "patient_name": "Mallory"})

    asked.refresh_from_db()
    assert (response.status_code, asked.status, asked.patient_name) == (403, "pending", "Nguyễn Thị Ánh")


@pytest.mark.parametrize("requests", [1, 3])
def test_the_list_asks_the_database_the_same_number_of_questions(desk, requests, django_assert_num_queries):
    room = make.schedule()
    for number in range(requests):
        make.confirmed(room, starts_at=make.WEDNESDAY_9.replace(hour=14 + number))

    with django_assert_num_queries(8):
        desk.get(LIST)


def test_a_late_answer_is_marked(desk):
    make.confirmed()  # its answer was due in March 2027
    is_late = timezone.now() > make.later(days=3)

    assert ("late:" in desk.get(LIST).content.decode()) is is_late


def test_markup_in_a_name_stays_text(desk):
    asked = make.confirmed(patient_name="<script>alert(1)</script>")

    pages = desk.get(LIST).content.decode() + desk.get(page_of(asked, "accept")).content.decode()

    assert "<script>alert" not in pages and "&lt;script&gt;alert" in pages
