import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

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


@pytest.fixture
def due_pages():
    """Pages due so many days from today, by the number, and one that nobody has reviewed."""
    author, reviewer, today = make.writer(), make.reviewer(), timezone.localdate()
    make.starter(make.page("never"))
    for days in [-1, 0, 30, 31, 60, 61]:
        due = today + timedelta(days=days)
        approval = {"reviewed_on": due - timedelta(days=300), "review_due_on": due, "now": timezone.now()}
        make.approved(
            make.proposed(make.page(f"in-{days}".replace("--", "-minus-")), author), reviewer, **approval
        )


@pytest.mark.parametrize(
    ("due", "listed"),
    [
        ("0", ["in-0", "in-minus-1"]),
        ("30", ["in-0", "in-30", "in-minus-1"]),
        ("60", ["in-0", "in-30", "in-31", "in-60", "in-minus-1"]),
        ("never", ["never"]),
    ],
)
def test_the_list_shows_what_is_due_for_review(staff_client, due_pages, due, listed):
    found = staff_client.get(f"/staff/pages/page/?due={due}").context["cl"].queryset

    assert sorted(page.path for page in found) == listed


def test_the_list_says_what_is_overdue_and_how_soon_the_rest_is_due(staff_client, due_pages):
    tags = re.findall(r'<span class="tag tag--\w+">(.*?)</span>', shown(staff_client, "/staff/pages/page/"))

    assert sorted(tags) == ["in 30 days", "in 31 days", "in 60 days", "overdue", "today"]


def test_an_overdue_page_says_so_to_readers_and_one_due_today_does_not(client, due_pages):
    sentence = "It may be out of date."

    assert sentence in shown(client, "/in-minus-1/")
    assert sentence not in shown(client, "/in-0/")


@pytest.mark.parametrize("more", [0, 3])
def test_the_list_of_pages_costs_few_queries(staff_client, more, django_assert_max_num_queries):
    make.starter()
    for number in range(more):
        make.starter(make.page(f"p{number}"))

    with django_assert_max_num_queries(7):
        staff_client.get("/staff/pages/page/")
