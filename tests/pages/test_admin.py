import pytest
from django.contrib.auth import get_user_model

from pages.models import Page, Source
from tests.pages import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff_client(client):
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


def shown(client, path):
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_pages_are_found_by_their_words_and_lead_to_the_site(staff_client):
    page = make.approved().page

    assert "reviewer" in shown(staff_client, "/staff/pages/page/?q=hurt")
    assert "0 pages" in shown(staff_client, "/staff/pages/page/?q=nothing-like-it")
    assert '<a href="/light/">Light</a>' in shown(staff_client, f"/staff/pages/page/{page.pk}/change/")


def test_revisions_are_listed_and_read_only(staff_client):
    revision = make.proposed()

    assert "Light" in shown(staff_client, "/staff/pages/revision/")
    page = shown(staff_client, f"/staff/pages/revision/{revision.pk}/change/")
    assert "Light can hurt [@schwenk-2018]." in page
    assert 'name="body"' not in page


@pytest.mark.parametrize("model", ["page", "revision"])
def test_pages_and_revisions_are_not_added_here(staff_client, model):
    assert staff_client.get(f"/staff/pages/{model}/add/").status_code == 403


@pytest.mark.parametrize("model", ["page", "revision", "source"])
def test_nobody_deletes(staff_client, model):
    make.proposed()
    pk = {"page": Page.objects.get().pk, "source": Source.objects.get().pk}.get(model) or (
        Page.objects.get().revisions.get().pk
    )

    assert staff_client.post(f"/staff/pages/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_source_edited_here_belongs_to_staff(staff_client):
    source = make.source(is_starter=True)
    fields = {"kind": "trial", "authors": "Schwenk ES", "title": "Other", "year": 2018, "doi": "10.1/a"}

    staff_client.post(
        f"/staff/pages/source/{source.pk}/change/", {**fields, "checked_on": "2027-03-09", "key": "changed"}
    )

    source.refresh_from_db()
    assert (source.title, source.is_starter, source.key) == ("Other", False, "schwenk-2018")


@pytest.mark.parametrize("more", [0, 3])
def test_the_list_of_pages_costs_few_queries(staff_client, more, django_assert_max_num_queries):
    make.starter()
    for number in range(more):
        make.starter(make.page(f"p{number}"))

    with django_assert_max_num_queries(7):
        staff_client.get("/staff/pages/page/")
