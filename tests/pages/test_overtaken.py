"""Two people write words for one page at once: both are kept, and whoever is second is told first."""

import threading

import pytest
from django.db import connection

from pages import publishing
from pages.models import Page, Revision
from tests.pages import make
from tests.pages.test_editing import PROPOSE, may, text


@pytest.fixture
def overtaken(client, db):
    """A page whose form somebody opened before Kim proposed other words."""
    client.force_login(may(make.writer("editor"), "view_page", "view_revision", "add_revision"))
    page = make.starter().page
    seen = client.get(PROPOSE.format(page.pk)).context["seen"]
    make.proposed(page, by=make.writer("kim"), title="Kim's", change_note="Kim's note")

    def send(**fields):
        return client.post(
            PROPOSE.format(page.pk), {**make.WORDS, "_newest_seen": seen, **fields}, follow=True
        )

    return send


def test_the_second_is_told_by_whom_and_when_and_keeps_the_form(overtaken):
    response = overtaken(body="Typed for an hour.")

    shown = text(response)
    assert Revision.objects.latest("pk").title == "Kim's"
    assert "kim, March 8, 2027, noon: Kim&#x27;s note (opens a new tab)" in shown
    assert "Typed for an hour." in shown


def test_the_second_may_keep_theirs_all_the_same(overtaken):
    told = overtaken(body="Typed for an hour.")

    overtaken(body="Typed for an hour.", _newest_seen=told.context["seen"])

    assert list(Revision.objects.order_by("pk").values_list("title", "body")[1:]) == [
        ("Kim's", make.WORDS["body"]),
        ("Light", "Typed for an hour."),
    ]


def test_a_mistake_in_the_form_does_not_hide_the_other_words(overtaken):
    mistaken = overtaken(title="x" * 121)

    again = overtaken(title="Mine", _newest_seen=mistaken.context["seen"])

    assert "Other words came in while you were writing" in text(again)


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 30])
def test_what_no_form_of_ours_sends_does_not_err(overtaken, seen):
    overtaken(title="Mine", _newest_seen=seen)

    assert Revision.objects.latest("pk").title == "Mine"


def test_of_two_at_the_same_moment_one_is_told(real_commits):
    page, writers = make.page(), [make.writer("one"), make.writer("two")]
    barrier, told = threading.Barrier(2), []

    def propose(by):
        barrier.wait()
        try:
            publishing.propose(page, by=by, now=make.NOW, newest_seen=0, **{**make.WORDS, "body": "Light."})
        except publishing.Overtaken as overtaken:
            told.append(overtaken.others)
        connection.close()

    threads = [threading.Thread(target=propose, args=[writer]) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == [list(Page.objects.get().revisions.all())]
