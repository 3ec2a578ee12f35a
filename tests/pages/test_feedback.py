import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from pages import feedback
from pages.models import Feedback, Page
from tests.pages import make

pytestmark = pytest.mark.django_db
FORM = "/feedback/light/"


@pytest.fixture
def page():
    return make.starter().page


def test_an_answer_is_kept_and_the_reader_is_thanked(client, page):
    response = client.post(FORM, {"useful": "no", "comment": "Too long."}, follow=True)

    kept = Feedback.objects.get()
    assert (kept.page, kept.useful, kept.comment) == (page, False, "Too long.")
    assert response.redirect_chain == [("/feedback-received/light/", 302)]
    assert "We have your answer." in response.content.decode()


def test_a_comment_is_not_needed(client, page):
    client.post(FORM, {"useful": "yes"})

    assert list(Feedback.objects.values_list("useful", "comment")) == [(True, "")]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({}, "Select whether this page was useful"),
        ({"useful": "perhaps"}, "Select whether this page was useful"),
        (
            {"useful": "yes", "comment": "a" * 1001},
            "What we should change must be 1,000 characters or less",
        ),
    ],
)
def test_a_mistake_is_told_and_nothing_kept(client, page, answer, sentence):
    response = client.post(FORM, answer)

    assert response.status_code == 422
    assert response.content.decode().count(sentence) == 2  # in the summary, and at the question
    assert Feedback.objects.count() == 0


def test_a_page_leads_to_its_form_without_a_query(client, page):
    assert re.findall(r'href="(/feedback/.*?)"', client.get("/light/").content.decode()) == [FORM]


def test_the_form_sets_the_cookie_of_its_protection_and_the_page_none(client, page):
    assert client.get("/light/").cookies == {}
    assert set(client.get(FORM).cookies) == {"csrftoken"}


def test_another_site_cannot_answer_in_a_readers_name(page):
    assert Client(enforce_csrf_checks=True).post(FORM, {"useful": "yes"}).status_code == 403
    assert Feedback.objects.count() == 0


def test_the_form_is_kept_by_nobody(client, page):
    assert {"private", "no-store"} <= set(client.get(FORM).headers["Cache-Control"].split(", "))


@pytest.mark.parametrize("address", ["/feedback/hidden/", "/feedback-received/hidden/", "/feedback/nowhere/"])
def test_a_page_nobody_can_read_is_not_asked_about(client, address):
    make.page("hidden")

    assert client.get(address).status_code == 404


def test_a_page_takes_so_many_answers_in_an_hour(page):
    def tell(minutes):
        return feedback.keep(page, useful=True, comment="", now=make.NOW + timedelta(minutes=minutes))

    for _ in range(feedback.MOST_IN_AN_HOUR):
        tell(0)
    with pytest.raises(feedback.TooMuch):
        tell(59)
    tell(61)

    assert Feedback.objects.count() == feedback.MOST_IN_AN_HOUR + 1


def test_one_page_does_not_use_up_the_hour_of_another(client, page, monkeypatch):
    monkeypatch.setattr(feedback, "MOST_IN_AN_HOUR", 1)
    make.starter(make.page("dark"))

    statuses = [
        client.post(f"/feedback/{path}/", {"useful": "yes"}).status_code
        for path in ("light", "light", "dark")
    ]

    assert statuses == [302, 429, 302]
    assert Feedback.objects.count() == 2


def test_staff_read_answers_and_do_not_change_them(client, page):
    told = feedback.keep(page, useful=False, comment="Too <b>long</b>.", now=make.NOW)
    client.force_login(get_user_model().objects.create_superuser("boss"))

    shown = client.get("/staff/pages/feedback/").content.decode()
    change = f"/staff/pages/feedback/{told.pk}/change/"

    assert "Too &lt;b&gt;long&lt;/b&gt;." in shown
    assert client.get("/staff/pages/feedback/add/").status_code == 403
    assert client.post(change, {"comment": "Good."}).status_code == 403
    assert Page.objects.get().feedback.get().comment == "Too <b>long</b>."


def test_after_its_time_a_comment_is_deleted_and_the_answer_stays(page, settings):
    settings.KEPT_DAYS = {**settings.KEPT_DAYS, "comments": 30}
    for days, comment in [(31, "Old"), (30, "Just old"), (29, "New"), (40, "")]:
        Feedback.objects.create(
            page=page, useful=True, comment=comment, created_at=make.NOW - timedelta(days=days)
        )

    done = [feedback.forget_comments(now=make.NOW) for _ in range(2)]

    assert done == [2, 0]
    assert sorted(Feedback.objects.values_list("comment", flat=True)) == ["", "", "", "New"]
    assert Feedback.objects.filter(useful=True).count() == 4
