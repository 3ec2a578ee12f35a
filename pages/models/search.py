"""How readers find a page: by its words, by other names for it, and by addresses it had before."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from pages.models.page import A_PATH, Page

A_TERM = r"^[a-z0-9]+([ -][a-z0-9]+){0,3}$"


class SearchEntry(models.Model):
    """What the search looks through: the words of a public page. Postgres writes it when `live` changes."""

    page = models.OneToOneField(Page, models.CASCADE, primary_key=True, related_name="search_entry")
    plain = models.TextField(help_text="The text without tags, drawings and numbers of sources.")
    searched = SearchVectorField(help_text="A: the title, B: the short version, C: the text.")

    class Meta:
        indexes = [GinIndex(fields=["searched"], name="words_that_are_searched")]


class KnownWord(models.Model):
    """A word that stands on a public page, or stood there once: what a misspelled one may have meant."""

    word = models.TextField(primary_key=True)

    class Meta:
        indexes = [GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="words_that_look_alike")]


class Synonym(models.Model):
    """What people type, for the search: what our pages call it, and the page that answers it best."""

    term = models.CharField(
        "what people type",
        max_length=80,
        unique=True,
        validators=[RegexValidator(A_TERM, "Write 1 to 4 words in small letters, like imitrex.")],
        help_text="In small letters, like imitrex.",
    )
    means = models.CharField(
        "what our pages say",
        max_length=200,
        blank=True,
        help_text="One or more names, with commas, like triptan.",
    )
    page = models.ForeignKey(
        Page,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,  # the list is short
        verbose_name="page shown first",
        help_text="Shown above all other results when people type this.",
    )

    class Meta:
        ordering = ["term"]
        constraints = [
            models.CheckConstraint(
                condition=Q(term__regex=A_TERM),
                name="a_term_is_a_few_words_in_small_letters",
                violation_error_message="Write 1 to 4 words in small letters, like imitrex.",
            )
        ]

    def __str__(self):
        return self.term

    def clean(self):
        if not self.means and not self.page:
            raise ValidationError("Write what our pages say, or choose the page to show first.")


class Redirect(models.Model):
    """An address that readers may still have, and the page that stands for it now."""

    old_path = models.CharField(
        max_length=200,
        unique=True,
        validators=[RegexValidator(A_PATH, "Write a path like ketamine-for-migraine/does-it-work.")],
        help_text="The old address without slashes at the ends.",
    )
    page = models.ForeignKey(
        Page, models.PROTECT, related_name="redirects", help_text="Where readers are sent."
    )

    class Meta:
        ordering = ["old_path"]
        constraints = [
            models.CheckConstraint(
                condition=Q(old_path__regex=A_PATH) & ~Q(old_path=""),
                name="an_old_path_is_lower_case_words_between_slashes",
                violation_error_message="Write a path like ketamine-for-migraine/does-it-work.",
            )
        ]

    def __str__(self):
        return f"/{self.old_path}/"

    def clean(self):
        """The database refuses this too."""
        if Page.objects.public().filter(path=self.old_path).exists():
            raise ValidationError({"old_path": "Readers find a page here; it cannot lead elsewhere."})
