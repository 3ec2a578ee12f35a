import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError

from pages.models import Redirect
from tests.pages import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved():
    return Redirect.objects.create(old_path="old/light", page=make.starter().page)


@pytest.fixture
def staff_client(client):
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.mark.usefixtures("moved")
def test_an_old_address_leads_to_the_page_for_good(client):
    response = client.get("/old/light/?from=a-friend")

    assert (response.status_code, response.headers["Location"]) == (301, "/light/")
    assert response.headers["Cache-Control"] == "public, max-age=60"


def test_an_old_address_of_a_page_nobody_can_see_is_not_found(client):
    Redirect.objects.create(old_path="old", page=make.page())

    assert client.get("/old/").status_code == 404


def test_a_page_published_at_an_old_address_is_shown(client, moved):
    make.starter(make.page("old/light"), title="New light")

    assert client.get("/old/light/").status_code == 200


def test_a_public_page_does_not_lead_elsewhere(moved):
    make.starter(make.page("shown"))

    with pytest.raises(IntegrityError, match="An address that readers find does not lead elsewhere"):
        Redirect.objects.create(old_path="shown", page=moved.page)


@pytest.mark.parametrize("old_path", ["", "/old/", "Old", "a b"])
def test_an_old_path_is_one_that_a_page_could_have(old_path):
    page = make.page()

    with pytest.raises(IntegrityError, match="an_old_path_is_lower_case_words_between_slashes"):
        Redirect.objects.create(old_path=old_path, page=page)


def test_staff_send_old_addresses_to_public_pages(staff_client):
    page, hidden = make.starter().page, make.page("hidden")
    address = "/staff/pages/redirect/add/"

    assert staff_client.post(address, {"old_path": "old", "page": page.pk}).status_code == 302
    refused = [
        staff_client.post(address, {"old_path": "light", "page": page.pk}),
        staff_client.post(address, {"old_path": "older", "page": hidden.pk}),
    ]

    assert "Readers find a page here; it cannot lead elsewhere." in refused[0].content.decode()
    assert [response.status_code for response in refused] == [200, 200]
    assert list(Redirect.objects.values_list("old_path", "page__path")) == [("old", "light")]
