"""Proposing, looking at and approving words in the admin, as staff do it."""

import re

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

    assert (
        "The title must be 120 characters or less" in shown
        and "Typed for an hour." in shown
        and "x" * 121 in shown
    )
    assert page.revisions.count() == 1


def test_who_was_signed_out_while_writing_gets_the_words_back(client, editor):
    page = make.starter().page
    client.logout()

    words = {**make.WORDS, "body": "Typed for an hour. <b>"}
    response = client.post(PROPOSE.format(page.pk), words, headers={"Origin": "http://testserver"})

    shown = response.content.decode()
    assert response.status_code == 403 and page.revisions.count() == 1
    assert "You are signed out" in shown and "Typed for an hour. &lt;b&gt;" in shown


def test_who_may_not_write_yet_is_sent_to_the_login(client):
    response = client.get(PROPOSE.format(make.starter().page.pk))

    assert response.headers["Location"].startswith("/staff/login/")


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


def revision_page(revision):
    return f"/staff/pages/revision/{revision.pk}/change/"


def test_the_page_of_a_revision_shows_what_it_changes(client, editor):
    revision = make.proposed(make.starter().page, body="Light may hurt [@schwenk-2018].")

    shown = text(client.get(revision_page(revision)))

    assert re.findall(r"<h3>(\w+)</h3> <div class=.difference.>", shown) == ["Body"]
    assert re.findall(r"</span>(\w+) <span", shown) == ["can", "may"]
    assert "Readers see these words when somebody other than the author approves them." in shown


def test_the_findings_of_a_revision_lead_to_their_lines(client, editor):
    revision = make.proposed(body="Dark.\n\n[@nobody-1900]")

    shown = text(client.get(revision_page(revision)))

    assert '<a href="#line-3">Line 3: There is no source [@nobody-1900].</a>' in shown
    assert '<li id="line-3">[@nobody-1900]</li>' in shown
    assert "Nothing of this page is public yet" in shown


def test_public_words_say_so(client, editor):
    shown = text(client.get(revision_page(make.approved())))

    assert "Readers see these words." in shown and "These are the words readers see." in shown


def test_a_preview_is_the_real_page_and_says_that_it_is_not_public(client, editor):
    page = make.starter().page
    revision = make.proposed(page, title="Dark", body="Dark helps [@schwenk-2018].")

    shown = text(client.get(f"/preview/{revision.pk}/"))

    assert "Preview of a proposal." in shown and "Dark helps<sup" in shown
    assert "This is a proposal. Nobody has approved it yet." in shown and "No clinician" not in shown
    assert '<ol class="sources">' in shown and "ld+json" not in shown
    assert '<input type="hidden" name="back" value="/preview/' in shown
    assert "Dark helps" not in text(client.get("/light/"))


def test_a_preview_is_kept_by_nobody(client, editor):
    response = client.get(f"/preview/{make.proposed().pk}/")

    assert sorted(response.headers["Cache-Control"].split(", ")) == ["no-store", "private"]
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert '<meta name="robots" content="noindex, nofollow">' in text(response)


def test_a_preview_says_in_what_state_its_words_are(client, editor):
    older = make.starter().page.live
    newer = make.approved(make.proposed(older.page))

    previews = [text(client.get(f"/preview/{revision.pk}/")) for revision in (older, newer)]

    assert [re.search(r"<strong>(Preview.*?)</strong>", shown)[1] for shown in previews] == [
        "Preview of older words.",
        "Preview.",
    ]


def test_a_preview_of_the_home_page_has_its_shape(client, editor):
    home = make.page("", kind="home")

    shown = text(client.get(f"/preview/{make.proposed(home).pk}/"))

    assert "Preview of a proposal." in shown and 'class="hero"' in shown


def test_a_preview_is_for_staff_who_may_look(client):
    revision = make.proposed()
    address = f"/preview/{revision.pk}/"

    assert client.get(address).headers["Location"].startswith("/staff/login/")
    client.force_login(make.writer("other"))
    assert client.get(address).status_code == 403
    assert client.post(address).status_code == 405


def test_lines_are_counted_as_they_were_typed(client, editor):
    page = make.starter().page

    shown = text(propose(client, page, body="\n\n[@nobody-1900]\n"))

    assert Revision.objects.latest("pk").body == "\n\n[@nobody-1900]\n"
    assert "Line 3: There is no source [@nobody-1900]." in shown


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("body", "é\r\n" * 30_001, "The body must be 60,000 characters or less. It has 60,002"),
        ("short_version", "x" * 1_001, "The short version must be 1,000 characters or less. It has 1,001"),
        ("summary", "x" * 201, "The summary must be 200 characters or less"),
        ("caption", "x" * 201, "The caption must be"),
        ("change_note", "x" * 201, "The change note must be 200 characters or less"),
    ],
)
def test_no_part_of_a_page_is_longer_than_its_sentence_says(client, editor, name, words, sentence):
    page = make.starter().page

    answer = propose(client, page, **{name: words})

    assert sentence in text(answer)
    assert answer.context["form"][name].value() == words
    assert page.revisions.count() == 1


def test_a_body_as_long_as_may_be_is_kept(client, editor):
    page = make.starter().page
    body = ("word " * 999 + "end.\r\n") * 12

    propose(client, page, body=body)

    assert page.revisions.latest("pk").body == body.replace("\r\n", "\n")
