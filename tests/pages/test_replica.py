import pytest
from django.db import connection, connections

from bookings.models import Location
from pages import replica
from pages.models import Page
from tests import make as make_clinic
from tests.pages import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def copy(monkeypatch):
    """A second connection to the same database. It sees nothing of what this test writes and never ends,
    as if it were behind: so it shows who is asked."""
    monkeypatch.setattr(replica, "_asked_again_at", 0)
    monkeypatch.setitem(connections.settings, "replica", connection.settings_dict)
    connections["replica"] = connection.copy()
    yield connections["replica"]
    connections["replica"].close()
    del connections["replica"]


PUBLIC = ["/", "/plain/", "/guide/all/"]


@pytest.fixture
def pages():
    for path, kind in [("", "home"), ("plain", "article"), ("guide", "hub")]:
        make.starter(make.page(path, kind=kind))


def test_public_pages_are_read_from_the_copy_and_nothing_else_is(client, pages, copy):
    assert [client.get(path).status_code for path in PUBLIC] == [404, 404, 404]
    assert "plain" not in client.get("/site-map/").text

    assert client.get("/feedback/plain/").status_code == 200
    place = make_clinic.location()
    assert replica.reads_a_copy(lambda request: Location.objects.get())(None) == place
    assert Page.objects.count() == 3


def test_without_a_copy_pages_come_from_the_database_itself(client, pages):
    assert [client.get(path).status_code for path in PUBLIC] == [200, 200, 200]


def test_a_copy_that_is_away_is_left_alone_for_a_while_and_no_reader_notices(client, pages, copy, caplog):
    copy.settings_dict["HOST"] = "/nowhere"

    assert [client.get(path).status_code for path in PUBLIC] == [200, 200, 200]
    assert len(caplog.records) == 1
