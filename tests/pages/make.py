"""Pages with plain defaults, made through the real verbs."""

from datetime import UTC, date, datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from pages import publishing
from pages.models import Page, Source

NOW = datetime(2027, 3, 8, 17, tzinfo=UTC)
TODAY = date(2027, 3, 8)
WORDS = {
    "title": "Light",
    "caption": "Migraine",
    "summary": "Why light hurts.",
    "short_version": "Light can hurt.\nDark can help.\nAsk us.",
    "body": "Light can hurt [@schwenk-2018].",
    "change_note": "First version",
}


def page(path="light", kind="guide", **fields):
    return Page.objects.create(path=path, kind=kind, **fields)


def source(key="schwenk-2018", **fields):
    fields = {"authors": "Schwenk ES, Dayan AC", "title": "Headache", "year": 2018, "doi": "10.1/a", **fields}
    return Source.objects.create(key=key, kind="trial", checked_on=TODAY, **fields)


def writer(name="writer"):
    return get_user_model().objects.create_user(name, is_staff=True)


def reviewer(name="reviewer"):
    user = get_user_model().objects.create_user(name, is_staff=True, first_name="Ada", last_name="Ng")
    user.user_permissions.add(Permission.objects.get(codename="approve_revision"))
    return user


def proposed(on=None, by=None, **words):
    """Words that wait for approval, with a source they cite."""
    Source.objects.filter(key="schwenk-2018").exists() or source()
    return publishing.propose(on or page(), by=by or writer(), now=NOW, **{**WORDS, **words})


def approved(revision=None, by=None, **approval):
    revision = revision or proposed()
    approval = {"reviewed_on": TODAY, "review_due_on": date(2028, 3, 1), "now": NOW, **approval}
    publishing.approve(revision, by=by or reviewer(), **approval)
    revision.refresh_from_db()
    return revision


def starter(on=None, **words):
    Source.objects.filter(key="schwenk-2018").exists() or source()
    return publishing.publish_starter(
        on or page(),
        checked_on=TODAY,
        sources=Source.objects.in_bulk(field_name="key"),
        leads_somewhere=publishing.leads_somewhere,
        now=NOW,
        **{**WORDS, **words},
    )
