"""The verbs: propose, approve, withdraw, move, publish starter words. The only writer of what is public."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from itertools import chain

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from pages import clinic_facts, markdown
from pages.models import LONGEST_REVIEW, WORDS, Page, Redirect, Revision, Source, Withdrawal
from pages.readability import grade, words_of

HARDEST_GRADE = 8
SHORT_VERSION_LINES = range(3, 6)
SHORT_VERSION_WORDS = 60
NEEDS_SHORT_VERSION = {Page.Kind.HUB, Page.Kind.GUIDE, Page.Kind.CONDITION, Page.Kind.TREATMENT}
# Addresses that a page may lead to, besides pages. All others are for staff, for machines or for one person.
FOR_READERS = {"search", "site_map", "feed", "start_request", "request_call", "locations", "location"} | {
    *("headache_diary", "attack_card"),
}
MADE = ("html", "headings", "citations", "grade", "expires_on")


class Refused(Exception):
    """It did not happen; `reasons` are sentences, some with a line of the body."""

    def __init__(self, reasons):
        self.reasons = list(reasons)
        super().__init__(" ".join(str(reason) for reason in self.reasons))


class Overtaken(Exception):
    """Nothing was kept: `others` are the words that came in since the writer last looked."""

    def __init__(self, others):
        self.others = others
        super().__init__(f"Other words came in meanwhile: {others}")


def propose(
    page: Page, *, by: AbstractBaseUser, now: datetime, newest_seen: int | None = None, **words: str
) -> Revision:
    """Keep new words for a page, seen by staff only until somebody else approves them.

    `words` are title, caption, summary, short_version, body and change_note. Words with faults are
    kept too, so that nobody loses work; `faults` names them and `approve` refuses them.
    `newest_seen` is the id of the newest words the writer knows of, 0 for none: raises Overtaken
    where there are newer ones. Without it nobody is asked.
    """
    revision, _ = _written(page, words, _sources(), leads_somewhere)
    revision.author, revision.created_at = by, now
    with transaction.atomic():
        Page.objects.select_for_update().get(pk=page.pk)  # of two writers at once, one waits and is told
        if newest_seen is not None:
            others = list(page.revisions.filter(pk__gt=newest_seen).select_related("author"))
            if others:
                raise Overtaken(others)
        revision.save()
    return revision


def propose_again(revision: Revision, *, by: AbstractBaseUser, now: datetime, change_note: str) -> Revision:
    """Keep the words of an older revision as the newest ones, to go back to them or to review them anew.

    They are approved like any others: what was right when they were written may not be today.
    """
    words = {name: getattr(revision, name) for name in WORDS}
    return propose(revision.page, by=by, now=now, **{**words, "change_note": change_note})


def faults(revision: Revision) -> list:
    """Everything that keeps these words from the public, apart from who approves and when."""
    words = {name: getattr(revision, name) for name in WORDS}
    again, rendered = _written(revision.page, words, _sources(), leads_somewhere)
    retracted = Source.objects.filter(key__in=again.citations, retracted=True)
    return [
        *_faults_of_words(again, rendered),
        *(f"The source [@{source.key}] was retracted." for source in retracted),
    ]


def approve(
    revision: Revision,
    *,
    by: AbstractBaseUser,
    reviewed_on: date,
    review_due_on: date,
    now: datetime,
    why_hard_to_read: str = "",
) -> None:
    """Make these words the public ones of their page, answered for by `by`.

    Raises Refused with every reason at once.
    """
    with transaction.atomic():
        page = Page.objects.select_for_update().get(pk=revision.page_id)
        locked = Revision.objects.select_for_update().get(pk=revision.pk)
        reasons = [
            *_objections_to_reviewer(locked, page, by),
            *_objections_to_dates(reviewed_on, review_due_on, now),
            *faults(locked),
        ]
        if locked.grade > HARDEST_GRADE and not why_hard_to_read:
            reasons.append(
                f"The reading grade is {locked.grade:g}; make it {HARDEST_GRADE} or lower, or say why not."
            )
        if reasons:
            raise Refused(reasons)
        locked.approved_by, locked.approved_at = by, now
        locked.reviewed_on, locked.review_due_on = reviewed_on, review_due_on
        locked.why_hard_to_read = why_hard_to_read
        locked.save(
            update_fields=["approved_by", "approved_at", "reviewed_on", "review_due_on", "why_hard_to_read"]
        )
        page.live = locked
        page.save(update_fields=["live"])


def withdraw(page: Page, *, by: AbstractBaseUser, reason: str, now: datetime) -> None:
    """Take a page from the public at once; its words are kept, and can be proposed again.

    Raises Refused without the right to it, without a reason, and for the home page.
    """
    with transaction.atomic():
        page = Page.objects.select_for_update().get(pk=page.pk)
        if reasons := list(_objections_to_withdrawal(page, by, reason)):
            raise Refused(reasons)
        Withdrawal.objects.create(revision=page.live, by=by, at=now, reason=reason.strip())
        page.live = None
        page.save(update_fields=["live"])


def move(page: Page, *, by: AbstractBaseUser, path: str) -> None:
    """Give a page another address; the one it had leads there from then on.

    `path` is the new address without slashes at the ends. Links in other pages go on working, through
    the old address. Raises Refused without the right to it, for the home page, and for an address
    that is no address or is taken.
    """
    try:
        with transaction.atomic():
            page = Page.objects.select_for_update().get(pk=page.pk)
            old_path, page.path = page.path, path
            if reasons := list(_objections_to_move(page, old_path, by)):
                raise Refused(reasons)
            Redirect.objects.filter(old_path=path).delete()
            page.save(update_fields=["path"])
            Redirect.objects.update_or_create(old_path=old_path, defaults={"page": page})
    except IntegrityError as error:
        # Somebody took one of the two addresses after the look at them and before the change.
        raise Refused(["Somebody has just changed this address too. Look, and try once more."]) from error


def publish_starter(
    page: Page,
    *,
    checked_on: date,
    sources: Mapping[str, Source],
    leads_somewhere: Callable[[str], bool],
    now: datetime,
    **words: str,
) -> Revision | None:
    """Make starter words public without approval; None if they are public already.

    The page says then that nobody has reviewed it. Raises Refused for faulty words, and for a page
    that staff have edited or approved: from then on it is theirs.
    """
    if is_edited(page):
        raise Refused(["Staff have edited or approved this page; it is theirs."])
    revision, rendered = _written(page, words, sources, leads_somewhere)
    reasons = _faults_of_words(revision, rendered)
    reasons += [f"The source [@{key}] was retracted." for key in revision.citations if sources[key].retracted]
    if revision.grade > HARDEST_GRADE:
        reasons.append(f"The reading grade is {revision.grade:g}; make it {HARDEST_GRADE} or lower.")
    if reasons:
        raise Refused(reasons)
    revision.is_starter, revision.sources_checked_on, revision.created_at = True, checked_on, now
    compared = (*WORDS, *MADE, "sources_checked_on")
    if page.live and all(getattr(page.live, name) == getattr(revision, name) for name in compared):
        return None
    revision.save()
    page.live = revision
    page.save(update_fields=["live"])
    return revision


def is_edited(page: Page) -> bool:
    """Whether staff have written words for this page, approved some or taken some from the public."""
    touched = Q(is_starter=False) | Q(approved_at__isnull=False) | Q(withdrawals__isnull=False)
    return page.revisions.filter(touched).exists()


def leads_somewhere(path: str, kinds: Mapping[str, str] | None = None) -> bool:
    """Whether readers find something at an address of ours.

    `kinds` are those of all pages that are public or about to be, by their path; without it, the
    database is asked.
    """
    try:
        match = resolve(path)
    except Resolver404:
        return False
    if match.view_name in FOR_READERS:
        return True
    if match.view_name not in ("home", "page", "whole_guide", "feedback"):
        return False
    path = match.kwargs["path"]
    public = Page.objects.public().filter(path=path).values_list("kind", flat=True)
    kind = public.first() if kinds is None else kinds.get(path)
    return kind is not None and (match.view_name != "whole_guide" or kind == Page.Kind.HUB)


def drawing_of(hub: Page) -> str | None:
    """The drawing at the head of a hub, as SVG; it goes with the page to a new address."""
    paths = chain([hub.path], hub.redirects.values_list("old_path", flat=True))
    return next(filter(None, map(picture, paths)), None)


def picture(name: str) -> str | None:
    try:
        return render_to_string(f"pictures/{name}.svg")
    except TemplateDoesNotExist:
        return None


def _sources():
    return Source.objects.in_bulk(field_name="key")


def _written(page, words, sources, leads_somewhere):
    """A revision that is not saved yet, with what is made from its words."""
    rendered = markdown.render(
        words["body"],
        sources,
        facts=clinic_facts.keys() if "{{" in words["body"] else (),
        leads_somewhere=leads_somewhere,
        picture=picture,
    )
    revision = Revision(
        page=page,
        html=rendered.html,
        headings=[list(heading) for heading in rendered.headings],
        citations=rendered.citations,
        grade=grade([*words.get("short_version", "").splitlines(), *rendered.prose]),
        expires_on=rendered.expires_on,
        **words,
    )
    return revision, rendered


def _faults_of_words(revision, rendered):
    missing = [name for name in ("title", "summary", "change_note") if not getattr(revision, name)]
    reasons = [f"The {name.replace('_', ' ')} is missing." for name in missing]
    lines = revision.short_version.splitlines()
    if (lines or revision.page.kind in NEEDS_SHORT_VERSION) and len(lines) not in SHORT_VERSION_LINES:
        reasons.append(f"The short version has {len(lines)} lines; it has 3 to 5.")
    if (count := sum(len(words_of(line)) for line in lines)) > SHORT_VERSION_WORDS:
        reasons.append(f"The short version has {count} words; {SHORT_VERSION_WORDS} at most.")
    elsewhere = ("title", "caption", "summary", "short_version", "change_note")
    reasons += [
        f"Facts like {{{{legal_name}}}} stand in the body, not in the {name.replace('_', ' ')}."
        for name in elsewhere
        if "{{" in getattr(revision, name)
    ]
    return reasons + rendered.problems


def _objections_to_reviewer(revision, page, by):
    if not by.has_perm("pages.approve_revision"):
        yield "You do not have the right to approve pages."
    if revision.author_id == by.pk:
        yield "Somebody other than the author approves."
    if revision.is_approved:
        yield "These words are approved already."
    if page.live and page.live.pk > revision.pk:
        yield "Newer words are public already; propose these again."


def _objections_to_withdrawal(page, by, reason):
    if not by.has_perm("pages.approve_revision"):
        yield "You do not have the right to take a page from the public."
    if page.kind == Page.Kind.HOME:
        yield "The home page stays; propose other words for it."
    if not page.live:
        yield "Readers do not see this page."
    if not reason.strip():
        yield "Say why readers should not see this page."


def _objections_to_move(page, old_path, by):
    if not by.has_perm("pages.approve_revision"):
        yield "You do not have the right to move a page."
    if page.kind == Page.Kind.HOME:
        yield "The home page stays where it is."
        return
    if page.path == old_path:
        yield "The page has this address already."
    try:
        page.full_clean()
    except ValidationError as error:
        yield from error.messages
        return
    if resolve(f"/{page.path}/").view_name != "page":
        yield f"Another part of the site is at {page}."


def _objections_to_dates(reviewed_on, review_due_on, now):
    # A day of grace: the reviewer's date may be ahead of UTC.
    if reviewed_on > now.date() + timedelta(days=1):
        yield "The review lies in the future."
    if not reviewed_on < review_due_on <= reviewed_on + LONGEST_REVIEW:
        yield "The next review is at most 12 months after this one."
