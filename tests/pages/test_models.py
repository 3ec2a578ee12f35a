from datetime import date

import pytest
from django.db import IntegrityError, transaction

from pages.models import Page, Revision, Source
from tests.pages import make

pytestmark = pytest.mark.django_db


def refused(constraint):
    return pytest.raises(IntegrityError, match=constraint)


@pytest.mark.parametrize(
    "words",
    [
        {"title": "Other"},
        {"summary": "Other"},
        {"short_version": "Other"},
        {"body": "Other"},
        {"html": "<p>Other</p>"},
        {"citations": []},
        {"change_note": "Other"},
        {"created_at": make.NOW.replace(year=2020)},
        {"is_starter": True},
    ],
    ids=lambda words: next(iter(words)),
)
def test_the_words_of_a_revision_never_change(words):
    revision = make.proposed()

    with refused("the_words_of_a_revision_never_change|words of a revision never change"):
        Revision.objects.filter(pk=revision.pk).update(**words)


def test_a_revision_is_never_deleted():
    revision = make.proposed()

    with refused("A revision is never deleted"):
        revision.delete()


def test_an_approval_is_written_once():
    revision = make.approved()

    with refused("An approval is written once"):
        Revision.objects.filter(pk=revision.pk).update(review_due_on=date(2027, 4, 1))


def test_only_approved_or_starter_words_are_public():
    revision = make.proposed()

    with refused("Only approved words of this page"):
        Page.objects.filter(pk=revision.page_id).update(live=revision)


def test_the_words_of_another_page_are_not_public_here():
    revision = make.approved()
    other = make.page("dark")

    with refused("Only approved words of this page"):
        Page.objects.filter(pk=other.pk).update(live=revision)


def test_an_approval_says_who_and_when_and_until_when():
    revision = make.proposed()

    with refused("an_approval_says_who_and_when_and_until_when"):
        Revision.objects.filter(pk=revision.pk).update(approved_at=make.NOW)


def test_nobody_approves_their_own_words():
    revision = make.proposed()
    approval = {"approved_at": make.NOW, "reviewed_on": make.TODAY, "review_due_on": date(2027, 9, 1)}

    with refused("nobody_approves_their_own_words"):
        Revision.objects.filter(pk=revision.pk).update(approved_by=revision.author, **approval)


def test_the_next_review_is_within_a_year():
    revision = make.proposed()
    approval = {"approved_at": make.NOW, "reviewed_on": make.TODAY, "review_due_on": date(2028, 4, 1)}

    with refused("the_next_review_is_within_a_year"):
        Revision.objects.filter(pk=revision.pk).update(approved_by=make.reviewer(), **approval)


@pytest.mark.parametrize("path", ["/light", "light/", "Light", "a//b", "a b", "a_b", "-a", "a-"])
def test_a_path_is_lower_case_words_between_slashes(path):
    with refused("a_path_is_lower_case_words_between_slashes"), transaction.atomic():
        make.page(path)


def test_only_the_home_page_has_no_path():
    with refused("only_the_home_page_has_no_path"), transaction.atomic():
        make.page("")
    with refused("only_the_home_page_has_no_path"), transaction.atomic():
        make.page("start", kind="home")


def test_a_source_can_be_found():
    with refused("a_source_can_be_found"):
        make.source(doi="")


@pytest.mark.parametrize(
    ("authors", "name"),
    [
        ("Schwenk ES, Dayan AC, and others", "Schwenk 2018"),
        ("van Hilten JJ", "van Hilten 2018"),
        ("American Headache Society", "American Headache Society 2018"),
    ],
)
def test_a_source_is_called_by_its_first_author_and_year(authors, name):
    assert Source(authors=authors, year=2018).short_name == name


def test_a_source_is_linked_by_doi_then_pubmed_then_its_address():
    found = {"doi": "10.1/a", "pmid": "7", "url": "https://example.org/"}

    assert Source(**found).link == "https://doi.org/10.1/a"
    assert Source(**{**found, "doi": ""}).link == "https://pubmed.ncbi.nlm.nih.gov/7/"
    assert Source(**{**found, "doi": "", "pmid": ""}).link == "https://example.org/"
