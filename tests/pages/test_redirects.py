import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection

from pages import publishing
from pages.models import Page, Redirect
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


def test_a_moved_page_is_found_at_both_addresses(client):
    page = make.starter().page

    publishing.move(page, by=make.reviewer(), path="bright")

    assert client.get("/bright/").status_code == 200
    assert client.get("/light/").headers["Location"] == "/bright/"


def test_a_page_moves_on_and_back(client):
    page, by = make.starter().page, make.reviewer()

    for path in ("bright", "dim", "light"):
        publishing.move(page, by=by, path=path)

    assert [client.get(f"/{path}/").headers.get("Location") for path in ("light", "bright", "dim")] == [
        *(None, "/light/", "/light/")
    ]
    assert list(Redirect.objects.values_list("old_path", flat=True)) == ["bright", "dim"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("Bright light", "Write a path like ketamine-for-migraine/does-it-work."),
        ("dark", "Page with this Path already exists."),
        ("search", "Another part of the site is at /search/."),
        ("dark/all", "Another part of the site is at /dark/all/."),
        ("light", "The page has this address already."),
        ("", "Only the home page has no path."),
    ],
)
def test_an_address_that_is_none_or_is_taken_is_refused(path, reason):
    make.page("dark")

    with pytest.raises(publishing.Refused) as refused:
        publishing.move(make.page(), by=make.reviewer(), path=path)

    assert refused.value.reasons == [reason]
    assert not Redirect.objects.exists()


def test_the_home_page_stays_and_only_who_decides_moves_a_page():
    home = make.page("", kind="home")

    for page, by in ((home, make.reviewer()), (make.page(), make.writer())):
        with pytest.raises(publishing.Refused):
            publishing.move(page, by=by, path="new")


def test_a_page_is_moved_in_the_admin_and_a_refusal_keeps_what_was_typed(staff_client):
    page = make.starter().page
    address = f"/staff/pages/page/{page.pk}/move/"

    refused = staff_client.post(address, {"path": "search"}).content.decode()
    moved = staff_client.post(address, {"path": "/bright/"}, follow=True)

    assert "Another part of the site is at /search/." in refused and 'value="search"' in refused
    assert moved.redirect_chain == [(f"/staff/pages/page/{page.pk}/change/", 302)]
    assert "Moved. Who comes to /light/ is sent to the new address." in moved.content.decode()
    assert f"{page.pk}/move/" in moved.content.decode()


def test_of_two_pages_that_move_to_one_address_at_once_one_is_refused_with_a_sentence(
    real_commits, monkeypatch
):
    pages, by = [make.page("light"), make.page("dark")], make.reviewer()
    both_have_looked, told = threading.Barrier(2), []
    look = publishing._objections_to_move

    def look_and_wait(*asked):
        yield from look(*asked)
        both_have_looked.wait()

    monkeypatch.setattr(publishing, "_objections_to_move", look_and_wait)

    def move(page):
        try:
            publishing.move(page, by=by, path="bright")
        except publishing.Refused as refused:
            told.extend(refused.reasons)
        connection.close()

    threads = [threading.Thread(target=move, args=[page]) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == ["Somebody has just changed this address too. Look, and try once more."]
    moved, stayed = Page.objects.get(path="bright"), Page.objects.exclude(path="bright").get()
    assert {moved.pk, stayed.pk} == {page.pk for page in pages}
    assert list(Redirect.objects.values_list("page", flat=True)) == [moved.pk]


def test_a_hub_takes_its_drawing_to_a_new_address(client):
    hub = make.starter(make.page("treatments", kind="hub")).page
    before = client.get("/treatments/").context["drawing"]

    publishing.move(hub, by=make.reviewer(), path="what-helps")

    assert "<svg" in before
    assert client.get("/what-helps/").context["drawing"] == before
