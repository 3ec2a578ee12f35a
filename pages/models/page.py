"""A page has revisions that never change, and says which is live. Only pages.publishing writes that."""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

A_PATH = r"^([a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*)?$"
A_KEY = r"^[a-z0-9]+(-[a-z0-9]+)*$"
LONGEST_REVIEW = timedelta(days=366)
# What people write; the rest of a revision is made from it or says who answers for it.
WORDS = ("title", "caption", "summary", "short_version", "body", "change_note")


class PageQuerySet(models.QuerySet):
    def public(self):
        return self.filter(live__isnull=False)

    def due_for_review(self, day):
        """Public pages due for review on this day or before, or with a sentence that ends by then."""
        return self.filter(Q(live__review_due_on__lte=day) | Q(live__expires_on__lte=day))


class Page(models.Model):
    """An address with words behind it. Which words: `live`; none, and readers do not find it."""

    class Kind(models.TextChoices):
        HOME = "home", "home"
        HUB = "hub", "hub"
        GUIDE = "guide", "guide"
        CONDITION = "condition", "condition"
        TREATMENT = "treatment", "treatment"
        PLAIN = "plain", "plain"

    path = models.CharField(
        max_length=200,
        unique=True,
        blank=True,
        validators=[RegexValidator(A_PATH, "Write a path like ketamine-for-migraine/does-it-work.")],
        help_text="The address without slashes at the ends. The home page has none.",
    )
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    position = models.PositiveSmallIntegerField(default=0, help_text="The order among the pages of its hub.")
    kind = models.CharField(max_length=9, choices=Kind)
    live = models.OneToOneField(
        "Revision", models.PROTECT, null=True, blank=True, editable=False, related_name="live_on"
    )

    objects = PageQuerySet.as_manager()

    class Meta:
        ordering = ["path"]
        constraints = [
            models.CheckConstraint(
                condition=Q(path__regex=A_PATH),
                name="a_path_is_lower_case_words_between_slashes",
                violation_error_message="Write a path like ketamine-for-migraine/does-it-work.",
            ),
            models.CheckConstraint(
                condition=Q(kind="home", path="") | (~Q(kind="home") & ~Q(path="")),
                name="only_the_home_page_has_no_path",
                violation_error_message="Only the home page has no path.",
            ),
            models.CheckConstraint(
                condition=~Q(parent=F("id")),
                name="a_page_is_not_its_own_parent",
                violation_error_message="A page cannot be its own parent.",
            ),
        ]

    def __str__(self):
        return f"/{self.path}/" if self.path else "/"

    def get_absolute_url(self):
        return reverse("page", args=[self.path]) if self.path else reverse("home")


class Revision(models.Model):
    """The words of a page at one time. The database refuses any change but one approval."""

    page = models.ForeignKey(Page, models.PROTECT, related_name="revisions")
    title = models.CharField(max_length=120)
    caption = models.CharField(max_length=80, blank=True, help_text="The topic, above the title.")
    summary = models.CharField(max_length=200, help_text="One or two sentences, for search results.")
    short_version = models.TextField(blank=True, help_text="3 to 5 lines, 60 words at most.")
    body = models.TextField(blank=True, help_text="Markdown")
    change_note = models.CharField(max_length=200, help_text="What changed, for readers.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="revisions_written"
    )
    created_at = models.DateTimeField()
    is_starter = models.BooleanField("starter", default=False)
    sources_checked_on = models.DateField(null=True, blank=True)

    # Made from the words when they are saved.
    html = models.TextField(blank=True)
    headings = models.JSONField(default=list, help_text="The h2 of the body: id and text.")
    citations = ArrayField(models.CharField(max_length=60), default=list, help_text="Keys in reading order.")
    grade = models.FloatField("reading grade")
    expires_on = models.DateField(
        null=True, blank=True, help_text="The first day after which readers no longer see all of it."
    )

    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="revisions_approved"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    reviewed_on = models.DateField(null=True, blank=True)
    review_due_on = models.DateField(null=True, blank=True)
    why_hard_to_read = models.CharField(
        max_length=200, blank=True, help_text="Why a grade above 8 is right here."
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [("approve_revision", "Can approve words for the public")]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_starter=True, author=None, sources_checked_on__isnull=False)
                | Q(is_starter=False, author__isnull=False),
                name="words_have_an_author_or_are_starter_words",
                violation_error_message="Say who wrote this, or when its sources were checked.",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_at=None, reviewed_on=None, review_due_on=None)
                | Q(
                    approved_by__isnull=False,
                    approved_at__isnull=False,
                    reviewed_on__isnull=False,
                    review_due_on__isnull=False,
                ),
                name="an_approval_says_who_and_when_and_until_when",
                violation_error_message="An approval says who, when, and when the next review is due.",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("author")),
                name="nobody_approves_their_own_words",
                violation_error_message="Somebody other than the author approves.",
            ),
            models.CheckConstraint(
                condition=Q(review_due_on__gt=F("reviewed_on"))
                & Q(review_due_on__lte=F("reviewed_on") + LONGEST_REVIEW),
                name="the_next_review_is_within_a_year",
                violation_error_message="The next review is at most 12 months after this one.",
            ),
        ]

    def __str__(self):
        return self.title or "Words without a title"

    @property
    def short_version_lines(self):
        return self.short_version.splitlines()

    @property
    def public_since(self):
        """When readers could first see these words, if they can: starter words from the beginning."""
        return self.approved_at or self.created_at

    @property
    def is_approved(self):
        return self.approved_at is not None


class Withdrawal(models.Model):
    """These words were taken from the public: by whom, when and why. Staff alone see it."""

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="withdrawals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="a_withdrawal_has_a_reason",
                violation_error_message="Say why readers should not see this page.",
            ),
        ]

    def __str__(self):
        return self.reason


class Source(models.Model):
    """Something a page cites as [@key]."""

    class Kind(models.TextChoices):
        TRIAL = "trial", "trial"
        REVIEW = "review", "review"
        GUIDELINE = "guideline", "guideline"
        LABEL = "label", "drug label"
        LAW = "law", "law"
        OTHER = "other", "other"

    key = models.CharField(
        max_length=60, unique=True, validators=[RegexValidator(A_KEY, "Write a key like schwenk-2018.")]
    )
    kind = models.CharField(max_length=9, choices=Kind)
    authors = models.CharField(max_length=300, help_text="Like: Schwenk ES, Dayan AC, and others")
    title = models.CharField(max_length=300)
    journal = models.CharField(max_length=200, blank=True)
    year = models.PositiveSmallIntegerField()
    doi = models.CharField("DOI", max_length=100, blank=True)
    pmid = models.CharField("PMID", max_length=10, blank=True)
    url = models.CharField(
        "address", max_length=300, blank=True, validators=[URLValidator(["https", "http"])]
    )
    sample_size = models.PositiveIntegerField("people studied", null=True, blank=True)
    showed = models.TextField("what it showed", blank=True)
    does_not_show = models.TextField("what it does not show", blank=True)
    checked_on = models.DateField(help_text="When somebody last compared our words with it.")
    retracted = models.BooleanField(default=False)
    is_starter = models.BooleanField("starter", default=False, editable=False)

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(doi="", pmid="", url=""),
                name="a_source_can_be_found",
                violation_error_message="Give a DOI, a PMID or an address, so that readers can find it.",
            ),
            models.CheckConstraint(
                condition=Q(key__regex=A_KEY),
                name="a_key_is_lower_case_words",
                violation_error_message="Write a key like schwenk-2018.",
            ),
        ]

    def __str__(self):
        return self.short_name

    @property
    def short_name(self):
        """First author and year, like "Schwenk 2018"."""
        first, *initials = self.authors.split(",")[0].rsplit(" ", 1)
        is_person = initials and initials[0].isupper() and len(initials[0]) <= 3
        return f"{first if is_person else self.authors.split(',')[0]} {self.year}"

    @property
    def link(self):
        """Where readers find it: by DOI if it has one, else PubMed, else its own address."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/" if self.pmid else self.url


class Feedback(models.Model):
    """What a reader told us of a page. Nothing tells who: no name, no address, no session."""

    page = models.ForeignKey(Page, models.CASCADE, related_name="feedback")
    useful = models.BooleanField("was useful")
    comment = models.TextField(max_length=1000, blank=True)
    created_at = models.DateTimeField("told at")

    class Meta:
        ordering = ["-created_at"]
        verbose_name = verbose_name_plural = "feedback"
        indexes = [models.Index(fields=["page", "created_at"], name="feedback_of_a_page")]

    def __str__(self):
        return f"{self.page}: {'useful' if self.useful else 'not useful'}"
