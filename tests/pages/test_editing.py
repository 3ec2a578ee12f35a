"""Proposing, looking at and approving words in the admin, as staff do it."""

import pytest
from django.contrib.auth.models import Permission

from pages.models import Page, Revision
from tests.pages import make

pytestmark = pytest.mark.django_db
PROPOSE = "/staff/pages/page/{}/propose/"


def may(user, *rights):
    found = Permission.objects.filter(content_type__app_label="pages", codename__in=rights)
    user.user_permissions.add(*found)
    return user


@pytest.fixture
def editor(client):
    user = may(make.writer("editor"), "view_page", "view_revision", "add_revision")
    client.force_login(user)
    return user


def text(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def propose(client, page, **words):
    return client.post(PROPOSE.format(page.pk), {**make.WORDS, **words}, follow=True)


def test_a_page_leads_to_proposing_a_change(client, editor):
    page = make.starter().page

    assert PROPOSE.format(page.pk) in text(client.get(f"/staff/pages/page/{page.pk}/change/"))


def test_the_form_starts_from_the_newest_words_with_an_empty_note(client, editor):
    page = make.approved(make.starter()).page

    initial = client.get(PROPOSE.format(page.pk)).context["form"].initial

    assert initial == {**make.WORDS, "change_note": ""}


def test_words_still_being_written_keep_their_note(client, editor):
    revision = make.proposed(change_note="Half done")

    initial = client.get(PROPOSE.format(revision.page_id)).context["form"].initial

    assert initial["change_note"] == "Half done"


def test_proposed_words_are_kept_with_their_author(client, editor):
    page = make.starter().page

    shown = text(propose(client, page, title="Dark", change_note="New title"))

    revision = Revision.objects.latest("pk")
    assert (revision.title, revision.author, page.live.title) == ("Dark", editor, "Light")
    assert "Your words are kept. Readers see them when somebody else approves them." in shown


def test_faulty_words_are_kept_and_their_faults_listed_with_lines(client, editor):
    page = make.starter().page

    response = propose(client, page, body="Dark.\r\n\r\nIt hurts [@nobody-1900].", title="")

    revision, shown = Revision.objects.latest("pk"), text(response)
    assert response.redirect_chain == [(f"{PROPOSE.format(page.pk)}?from={revision.pk}", 302)]
    assert revision.body == "Dark.\n\nIt hurts [@nobody-1900]."
    assert "The title is missing." in shown
    assert "Line 3: There is no source [@nobody-1900]. <br> <code>It hurts [@nobody-1900].</code>" in shown
    assert response.context["form"].initial["body"] == revision.body


def test_too_long_a_title_is_said_and_nothing_typed_is_lost(client, editor):
    page = make.starter().page

    shown = text(propose(client, page, title="x" * 121, body="Typed for an hour."))

    assert "at most 120 characters" in shown and "Typed for an hour." in shown and "x" * 121 in shown
    assert page.revisions.count() == 1


def test_the_same_words_are_not_kept_twice(client, editor):
    page = make.starter().page

    propose(client, page, title="Dark")
    shown = text(propose(client, page, title="Dark"))

    assert page.revisions.count() == 2
    assert "Nothing has changed: these are the newest words already." in shown


def test_a_page_without_words_gets_its_first(client, editor):
    page = make.page(kind="plain")

    propose(client, page, title="New", short_version="", body="Words.")

    assert (page.revisions.get().title, Page.objects.get().live) == ("New", None)


@pytest.mark.parametrize("start", ["x", "9" * 30, "0", "٣"])
def test_a_wrong_start_is_an_empty_form(client, editor, start):
    page = make.starter().page

    assert client.get(f"{PROPOSE.format(page.pk)}?from={start}").status_code == 200
