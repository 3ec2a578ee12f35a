"""Nobody sees a patient's record without a row that says so, and no row says what was seen."""

import pytest
from django.contrib.auth.models import Permission
from django.db import Error, connection, transaction

from bookings import trail
from bookings.models import Viewing
from tests import make

pytestmark = pytest.mark.django_db
LIST = "/staff/bookings/appointmentrequest/"
TRAIL = "/staff/bookings/viewing/"


@pytest.fixture
def robin():
    return make.staff()


@pytest.fixture
def desk(client, robin):
    client.force_login(robin)
    return client


def rows():
    return list(Viewing.objects.order_by("pk").values_list("by__username", "kind", "requests"))


def test_each_page_about_a_patient_leaves_one_row(desk):
    asked, other = make.confirmed(), make.confirmed(email="other@example.com")
    both = [asked.pk, other.pk]

    desk.get(LIST)
    desk.get(f"{LIST}?q=Nguy")
    desk.post(LIST, {"action": "accept_each", "_selected_action": both})
    for act in ("change", "history", "accept", "decline"):
        desk.get(f"{LIST}{asked.pk}/{act}/")

    assert [(by, kind, sorted(keys)) for by, kind, keys in rows()] == [
        ("robin", "list", both),
        ("robin", "search", both),
        ("robin", "list", both),
        *[("robin", "record", [asked.pk])] * 4,
    ]


def test_who_is_refused_or_finds_nothing_leaves_no_row(client):
    asked = make.confirmed()
    for path in (LIST, f"{LIST}{asked.pk}/change/"):
        client.get(path)
    client.force_login(make.staff())
    client.get(f"{LIST}{asked.pk + 1}/change/")

    assert rows() == []


@pytest.mark.parametrize("path", ["", "{}/change/", "{}/history/", "{}/accept/"])
def test_where_the_row_cannot_be_written_nobody_sees_anything(desk, path):
    asked = make.confirmed()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE bookings_viewing ADD CONSTRAINT full_up CHECK (false)")

    with pytest.raises(Error, match="full_up"), transaction.atomic():
        desk.get(LIST + path.format(asked.pk))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bookings_viewing SET kind = 'list'",
        "DELETE FROM bookings_viewing",
        "TRUNCATE bookings_viewing",
        "TRUNCATE auth_user CASCADE",
    ],
)
def test_the_trail_refuses_to_be_changed(robin, change):
    trail.viewed(robin, [make.confirmed()], kind=trail.Kind.RECORD, now=make.NOW)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(Error, match=r"only ever added to"), transaction.atomic():
        connection.cursor().execute(change)

    assert len(rows()) == 1


def test_a_manager_reads_who_has_seen_a_request_and_changes_nothing(client, robin, django_user_model):
    asked, other = make.confirmed(), make.confirmed(email="other@example.com")
    trail.viewed(robin, [asked], kind=trail.Kind.RECORD, now=make.NOW)
    trail.viewed(robin, [asked, other], kind=trail.Kind.EXPORT, now=make.NOW)
    trail.viewed(robin, [other], kind=trail.Kind.RECORD, now=make.NOW)
    manager = django_user_model.objects.create_user("mia", is_staff=True)
    manager.user_permissions.add(Permission.objects.get(codename="view_viewing"))
    client.force_login(manager)

    found = client.get(f"{TRAIL}?q={asked.reference.lower()}")
    page = client.get(f"{TRAIL}{Viewing.objects.last().pk}/change/").content.decode()

    assert [row.kind for row in found.context_data["cl"].result_list] == ["export", "record"]
    assert f"{asked.reference} and 1 more" in found.content.decode()
    assert asked.reference in page and "Nguyễn" not in found.content.decode() + page
    assert "robin" in page and "/staff/auth/user/" not in page
    assert client.get(f"{TRAIL}?q=nobody").context_data["cl"].result_count == 0
    assert [client.post(TRAIL + act).status_code for act in ("add/", "1/change/", "1/delete/")] == [403] * 3


def test_what_was_searched_for_is_not_kept(desk):
    make.confirmed()

    desk.get(f"{LIST}?q=anh@example.com")

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(bookings_viewing)::text, '') FROM bookings_viewing")
        assert "anh" not in cursor.fetchone()[0]
