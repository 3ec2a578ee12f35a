from datetime import date, timedelta

import pytest
from django.contrib.auth import get_user_model

from pages import publishing
from pages.models import Page, Source
from tests.pages import make

pytestmark = pytest.mark.django_db


def reasons_against(revision, **approval):
    with pytest.raises(publishing.Refused) as refused:
        make.approved(revision, **approval)
    return [str(reason) for reason in refused.value.reasons]


def test_proposed_words_are_kept_and_not_public():
    revision = make.proposed()

    assert revision.html.startswith("<p>Light can hurt<sup")
    assert revision.citations == ["schwenk-2018"]
    assert list(Page.objects.public()) == []


def test_faulty_words_are_kept_too_so_that_nobody_loses_work():
    revision = make.proposed(body="[@nobody-1900]", short_version="One line.")

    assert [str(fault) for fault in publishing.faults(revision)] == [
        "The short version has 1 lines; it has 3 to 5.",
        "Line 1: There is no source [@nobody-1900].",
    ]


def test_approved_words_are_public():
    revision = make.approved()

    page = Page.objects.public().get()
    assert (page.live, revision.approved_by.username, revision.reviewed_on) == (
        revision,
        "reviewer",
        make.TODAY,
    )


def test_newer_approved_words_take_the_place_of_older_ones():
    older = make.approved()
    newer = make.approved(make.proposed(older.page, by=older.author, title="Dark"), by=older.approved_by)

    assert Page.objects.get().live == newer


def test_approval_needs_the_right_to_it():
    assert reasons_against(make.proposed(), by=make.writer("other")) == [
        "You do not have the right to approve pages."
    ]


def test_nobody_approves_their_own_words():
    author = get_user_model().objects.create_superuser("boss")

    assert reasons_against(make.proposed(by=author), by=author) == [
        "Somebody other than the author approves."
    ]


def test_words_are_approved_once():
    revision = make.approved()

    assert reasons_against(revision, by=revision.approved_by) == ["These words are approved already."]


def test_older_words_do_not_replace_newer_ones():
    older = make.proposed()
    newer = make.approved(make.proposed(older.page, by=older.author))

    assert reasons_against(older, by=newer.approved_by) == [
        "Newer words are public already; propose these again."
    ]


@pytest.mark.parametrize("due", [make.TODAY, make.TODAY + timedelta(days=367)])
def test_the_next_review_is_within_a_year(due):
    assert reasons_against(make.proposed(), review_due_on=due) == [
        "The next review is at most 12 months after this one."
    ]


def test_a_review_does_not_lie_in_the_future():
    reviewed, due = date(2027, 3, 20), date(2027, 9, 1)

    assert reasons_against(make.proposed(), reviewed_on=reviewed, review_due_on=due) == [
        "The review lies in the future."
    ]


def test_retracted_sources_keep_words_from_the_public():
    revision = make.proposed()
    Source.objects.update(retracted=True)

    assert reasons_against(revision) == ["The source [@schwenk-2018] was retracted."]


def test_links_to_pages_readers_cannot_see_keep_words_from_the_public():
    make.page("draft")
    make.starter(make.page("plain"))
    make.starter(make.page("hub", kind="hub"))
    good = ["/plain/", "/hub/all/", "/locations/", "/search/", "/feedback/plain/"]
    wrong = ["/draft/", "/nowhere/", "/plain/all/", "/preview/1/", "/staff/", "/healthz", "/feedback/draft/"]
    body = "\n".join(f"[a]({path})" for path in [*good, *wrong])

    assert reasons_against(make.proposed(body=body)) == [
        f"Line {line}: Readers find nothing at {path}." for line, path in enumerate(wrong, 6)
    ]


HARD = "Multidisciplinary considerations necessitate comprehensive pharmacological deliberation."


def test_hard_words_need_a_reason():
    revision = make.proposed(body=HARD)

    assert reasons_against(revision) == [
        f"The reading grade is {revision.grade:g}; make it 8 or lower, or say why not."
    ]


def test_hard_words_with_a_reason_are_public():
    revision = make.approved(make.proposed(body=HARD), why_hard_to_read="It is the law's own wording.")

    assert Page.objects.get().live == revision


def test_all_reasons_are_told_at_once():
    revision = make.proposed(body="[@nobody-1900]")

    assert len(reasons_against(revision, by=revision.author, review_due_on=make.TODAY)) == 4


def test_a_refused_approval_changes_nothing():
    revision = make.proposed()
    reasons_against(revision, review_due_on=make.TODAY)

    revision.refresh_from_db()
    assert (revision.approved_at, revision.page.live) == (None, None)


def test_starter_words_are_public_without_approval():
    revision = make.starter()

    assert (Page.objects.get().live, revision.is_approved, revision.sources_checked_on) == (
        revision,
        False,
        make.TODAY,
    )


def test_the_same_starter_words_are_not_published_again():
    page = make.starter().page

    assert make.starter(page) is None
    assert page.revisions.count() == 1


def test_new_starter_words_replace_old_ones():
    page = make.starter().page

    assert make.starter(page, title="Dark") == Page.objects.get().live


@pytest.mark.parametrize("touch", [make.proposed, lambda page: make.approved(page.live)])
def test_a_page_that_staff_have_touched_is_theirs(touch):
    page = make.starter().page
    touch(page)

    with pytest.raises(publishing.Refused, match="it is theirs"):
        make.starter(page, title="Dark")


def test_hard_starter_words_are_refused():
    with pytest.raises(publishing.Refused, match="The reading grade is"):
        make.starter(body=HARD)


def test_a_starter_page_can_be_approved():
    revision = make.approved(make.starter())

    assert Page.objects.get().live == revision


def test_going_back_proposes_the_older_words_again():
    older = make.approved()
    newer = make.approved(make.proposed(older.page, by=older.author, title="Dark"), by=older.approved_by)

    again = publishing.propose_again(older, by=newer.author, now=make.NOW, change_note="Back")

    assert (again.title, again.body, again.change_note) == ("Light", older.body, "Back")
    assert (Page.objects.get().live, again.is_approved) == (newer, False)
    make.approved(again, by=older.approved_by)
    assert Page.objects.get().live == again


def withdrawn(page, by=None, reason="The trial was retracted."):
    publishing.withdraw(page, by=by or make.reviewer("other"), reason=reason, now=make.NOW)


def test_a_withdrawn_page_is_not_public_and_says_why():
    revision = make.approved()

    withdrawn(revision.page, by=revision.approved_by, reason=" Wrong. ")

    taken = revision.withdrawals.get()
    assert list(Page.objects.public()) == []
    assert (taken.by, taken.at, taken.reason) == (revision.approved_by, make.NOW, "Wrong.")


def test_a_withdrawn_starter_page_does_not_come_back_by_itself():
    page = make.starter().page
    withdrawn(page)

    with pytest.raises(publishing.Refused, match="it is theirs"):
        make.starter(page)


def test_a_withdrawn_page_comes_back_when_words_are_approved():
    revision = make.approved()
    withdrawn(revision.page)
    again = publishing.propose_again(revision, by=revision.author, now=make.NOW, change_note="Right")

    make.approved(again, by=revision.approved_by)

    assert Page.objects.get().live == again


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"by": make.writer}, "You do not have the right to take a page from the public."),
        ({"reason": " "}, "Say why readers should not see this page."),
    ],
)
def test_a_withdrawal_needs_the_right_and_a_reason(change, sentence):
    page = make.starter().page
    change = {name: value() if callable(value) else value for name, value in change.items()}

    with pytest.raises(publishing.Refused) as refused:
        withdrawn(page, **change)

    assert refused.value.reasons == [sentence]
    assert Page.objects.public().get() == page


def test_a_page_is_not_withdrawn_twice():
    page = make.starter().page
    withdrawn(page)

    with pytest.raises(publishing.Refused, match=r"^Readers do not see this page\.$"):
        withdrawn(page, by=make.reviewer("third"))


def test_the_home_page_stays():
    home = make.starter(make.page("", kind="home")).page

    with pytest.raises(publishing.Refused, match="The home page stays"):
        withdrawn(home)
