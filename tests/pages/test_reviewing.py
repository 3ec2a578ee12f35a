"""Approving, going back and withdrawing in the admin, as a reviewer does it."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from pages.models import Page, Revision, Withdrawal
from tests.pages import make

pytestmark = pytest.mark.django_db
HARD = "Multidisciplinary considerations necessitate comprehensive pharmacological deliberation."


@pytest.fixture
def reviewer(client):
    user = make.reviewer()
    rights = ["view_page", "view_revision", "add_revision"]
    user.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    client.force_login(user)
    return user


def text(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def problems(response):
    summary = re.search(r'id="error-summary".*?</ul>', text(response))
    return [re.sub("<.*?>", "", item).strip() for item in re.findall(r"<li>(.*?)</li>", summary[0])]


def page_of(revision, act="change"):
    return f"/staff/pages/revision/{revision.pk}/{act}/"


def approve(client, revision, **fields):
    today = timezone.localdate()
    fields = {"reviewed_on": today, "review_due_on": today + timedelta(days=300), **fields}
    return client.post(page_of(revision, "approve"), fields, follow=True)


def test_words_of_somebody_else_lead_to_approving_them(client, reviewer):
    others, own = make.proposed(), make.proposed(make.page("own"), by=reviewer)

    assert page_of(others, "approve") in text(client.get(page_of(others)))
    assert page_of(own, "approve") not in text(client.get(page_of(own)))
    assert "You wrote them." in text(client.get(page_of(own)))


def test_words_older_than_the_public_ones_lead_to_proposing_them_again(client, reviewer):
    older = make.starter().page.live
    make.starter(older.page, title="Dark")

    shown = text(client.get(page_of(older)))

    assert "These words are older than those readers see." in shown
    assert page_of(older, "approve") not in shown and page_of(older, "again") in shown


def test_approved_words_are_public_with_the_reviewers_name(client, reviewer):
    revision = make.proposed()

    shown = text(approve(client, revision))

    assert "Approved. Readers see these words at /light/ now." in shown
    assert Page.objects.get().live == revision
    assert "Ada Ng" in text(client.get("/light/"))


def test_the_dates_offered_are_accepted(client, reviewer):
    revision = make.proposed()
    offered = client.get(page_of(revision, "approve")).context["form"].initial

    approve(client, revision, **offered)

    assert Page.objects.get().live == revision


def test_a_refusal_says_every_reason_and_keeps_what_was_typed(client, reviewer):
    revision = make.proposed(body=f"[@nobody-1900]\n\n{HARD}")
    late = timezone.localdate() + timedelta(days=400)

    response = approve(client, revision, review_due_on=late)

    assert problems(response) == [
        "The next review is at most 12 months after this one.",
        "Line 1: There is no source [@nobody-1900].",
        f"The reading grade is {revision.grade:g}; make it 8 or lower, or say why not.",
    ]
    assert f'value="{late}"' in text(response)
    assert Page.objects.get().live is None


def test_an_author_is_told_that_somebody_else_approves(client, reviewer):
    revision = make.proposed(by=reviewer)

    assert problems(approve(client, revision)) == ["Somebody other than the author approves."]


def test_missing_dates_are_asked_for(client, reviewer):
    response = approve(client, make.proposed(), reviewed_on="", review_due_on="soon")

    assert problems(response) == ["Enter the day of the review", "Enter the next review as a date"]


def test_only_hard_words_ask_why(client, reviewer):
    easy, hard = make.proposed(), make.proposed(make.page("hard"), by=make.writer("other"), body=HARD)

    assert "why_hard_to_read" not in client.get(page_of(easy, "approve")).context["form"].fields
    approve(client, hard, why_hard_to_read="It is the law's own wording.")

    assert hard.page.revisions.get().why_hard_to_read == "It is the law's own wording."


def test_going_back_proposes_the_older_words(client, reviewer):
    older = make.approved(by=make.reviewer("first"))
    make.approved(make.proposed(older.page, by=older.author, title="Dark"), by=reviewer)
    form = client.get(page_of(older, "again")).context["form"]

    client.post(page_of(older, "again"), form.initial)

    newest = Revision.objects.latest("pk")
    assert (newest.title, newest.author, newest.is_approved) == ("Light", reviewer, False)
    assert newest.change_note == "Back to the words of March 8, 2027"


def test_going_back_says_what_changed(client, reviewer):
    revision = make.approved(by=make.reviewer("first"))

    assert problems(client.post(page_of(revision, "again"), {"change_note": " "})) == [
        "Say what changed, for readers"
    ]
    assert Revision.objects.count() == 1


def withdraw(client, page, reason="Wrong dose."):
    return client.post(f"/staff/pages/page/{page.pk}/withdraw/", {"reason": reason}, follow=True)


def test_a_withdrawn_page_is_gone_and_its_reason_stays_with_staff(client, reviewer):
    page = make.starter().page

    shown = text(withdraw(client, page))

    assert "Readers no longer see /light/. Its words are kept." in shown
    assert re.findall(r"\w+ \d+, \d+, reviewer: Wrong dose\.", shown) != []
    assert client.get("/light/").status_code == 404


def test_withdrawing_needs_a_reason(client, reviewer):
    page = make.starter().page

    assert problems(withdraw(client, page, " ")) == ["Say why readers should not see this page"]
    assert not Withdrawal.objects.exists()


def test_the_pages_that_lead_to_a_page_are_named_before_it_goes(client, reviewer):
    page = make.starter().page
    make.starter(make.page("other", kind="plain"), title="Leads there", body="[Light](/light/#a)")
    make.starter(make.page("light/dim", kind="plain"), title="Dim", short_version="", body="Dim.")
    make.starter(make.page("third", kind="plain"), title="Leads elsewhere", body="[Dim](/light/dim/)")

    shown = text(client.get(f"/staff/pages/page/{page.pk}/withdraw/"))

    assert "Leads there" in shown and "Leads elsewhere" not in shown


def test_the_home_page_stays_and_what_was_typed_too(client, reviewer):
    home = make.starter(make.page("", kind="home")).page

    response = withdraw(client, home, "A long reason.")

    assert problems(response) == ["The home page stays; propose other words for it."]
    assert "A long reason." in text(response)
