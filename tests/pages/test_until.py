"""Sentences with an end date: shown through that day, gone on the next, and announced to staff."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from django.utils.dateformat import format as date_format

from pages import markdown, publishing, until
from pages.models import Page
from pages.search import find
from tests.pages import make

DAY = date(2026, 12, 31)
RULE = "::: until 2026-12-31\nThe rule lasts until December 31, 2026.\n:::"


def dated(day):
    named = date_format(day, "F j, Y")
    return f"Stays.\n\n::: until {day.isoformat()}\nA passing rule, until {named}.\n:::\n\nStays too."


@pytest.mark.parametrize(("days", "is_shown"), [(-1, True), (0, True), (1, False), (400, False)])
def test_a_sentence_is_shown_through_its_last_day(days, is_shown):
    html = markdown.render(f"Before.\n\n{RULE}\n\nAfter.", {}).html

    left = until.left_out(html, DAY + timedelta(days=days))
    assert ("The rule lasts" in left) is is_shown
    assert "Before." in left
    assert "After." in left


def test_of_two_sentences_each_has_its_own_last_day():
    other = RULE.replace("2026-12-31", "2027-02-01").replace("December 31, 2026", "February 1, 2027")
    rendered = markdown.render(f"{RULE}\n\n- Between\n\n{other}", {})

    assert rendered.expires_on == DAY
    assert until.left_out(rendered.html, date(2027, 1, 1)).count("The rule lasts") == 1
    assert until.left_out(rendered.html, date(2027, 2, 2)).strip() == "<ul><li>Between</li></ul>"


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ("::: until\nA.\n:::", "Line 1: Write ::: until 2026-12-31, with the last day"),
        ("::: until 2026-02-30\nA.\n:::", "Line 1: Write ::: until 2026-12-31, with the last day"),
        ("::: until 2027-01-02\nA.\n:::", "Line 1: Say the day in the sentence too: January 2, 2027."),
        (f"{RULE[:-4]}\n\n## More\n:::", "Line 1: A heading stands outside of ::: until"),
    ],
)
def test_an_end_date_that_cannot_be_kept_is_a_problem_with_its_line(box, problem):
    (found,) = markdown.render(box, {}).problems

    assert str(found).startswith(problem)


def test_nobody_can_write_an_end_date_as_html():
    html = markdown.render('<section data-until="2020-01-01">Stays</section>', {}).html

    assert "Stays" in until.left_out(html, DAY)


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "is_shown"), [(0, True), (-1, False)])
def test_readers_see_it_on_its_last_day_and_not_on_the_next(client, days, is_shown):
    hub = make.page("guide", kind="hub")
    make.starter(hub, body=dated(timezone.localdate() + timedelta(days=days)))

    for address in ["/guide/", "/guide/all/"]:
        shown = client.get(address).text
        assert ("A passing rule" in shown) is is_shown
        assert "Stays too." in shown


@pytest.mark.django_db
def test_the_home_page_leaves_it_out_as_well(client):
    make.starter(make.page("", kind="home"), body=dated(timezone.localdate() - timedelta(days=1)))

    assert "A passing rule" not in client.get("/").text


@pytest.mark.django_db
def test_the_search_never_finds_it():
    make.starter(body=dated(timezone.localdate()))

    assert find("passing rule").results == ()
    assert find("stays").results


@pytest.mark.django_db
@pytest.mark.parametrize(("within", "due"), [(0, 0), (29, 0), (30, 1), (60, 1)])
def test_staff_see_a_month_before_that_a_sentence_ends(within, due):
    today = timezone.localdate()
    make.starter(body=dated(today + timedelta(days=30)))

    assert Page.objects.due_for_review(today + timedelta(days=within)).count() == due


@pytest.mark.django_db
def test_new_words_without_an_end_date_are_no_longer_due():
    page = make.page()
    make.approved(make.proposed(page, body=dated(timezone.localdate())))
    proposed = make.proposed(page, by=make.writer("other"), body="Stays.")
    newer = make.approved(proposed, by=make.reviewer("second"))

    assert newer.expires_on is None
    assert publishing.faults(newer) == []
    assert Page.objects.due_for_review(timezone.localdate()).count() == 0


@pytest.mark.django_db
def test_the_list_of_pages_says_when_a_sentence_ends(admin_client):
    day = timezone.localdate() + timedelta(days=12)
    make.starter(body=dated(day))

    shown = admin_client.get("/staff/pages/page/?due=30").text
    assert f"a sentence ends on {date_format(day, 'F j, Y')}" in shown
