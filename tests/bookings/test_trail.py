"""Nobody sees a patient's record without a row that says so, and no row says what was seen."""

import pytest
from django.contrib.auth.models import Permission
from django.db import Error, connection, transaction

from bookings import trail
from bookings.models import Viewing
from tests import make

pytestmark = pytest.mark.django_db
TRAIL = "/staff/bookings/viewing/"


@pytest.fixture
def robin():
    return make.staff()


def rows():
    return list(Viewing.objects.order_by("pk").values_list("by__username", "kind", "requests"))


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
    assert client.get(f"{TRAIL}?q=nobody").context_data["cl"].result_count == 0
    assert [client.post(TRAIL + act).status_code for act in ("add/", "1/change/", "1/delete/")] == [403] * 3
