"""What only the practice itself can say; pages leave a place for it."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

A_FACT = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"


class ClinicFactQuerySet(models.QuerySet):
    def required_and_open(self):
        """What must be written before the site says that it is open for patients."""
        return self.filter(is_required=True, value="")


class ClinicFact(models.Model):
    """Something that only this practice can say of itself; pages name it as {{key}}.

    The question comes with the starter pages. Managers write the answer, and it is the only copy.
    """

    key = models.CharField(
        max_length=40, unique=True, validators=[RegexValidator(A_FACT, "Write a key like legal_name.")]
    )
    question = models.CharField(max_length=120)
    help = models.CharField(max_length=400, blank=True)
    is_required = models.BooleanField("required", default=False, help_text="Needed before the site opens.")
    position = models.PositiveSmallIntegerField(default=0)
    value = models.TextField(
        "answer",
        blank=True,
        max_length=2000,
        help_text="Plain text, as patients will read it. Web and email addresses become links.",
    )

    objects = ClinicFactQuerySet.as_manager()

    class Meta:
        ordering = ["position", "key"]
        verbose_name = "fact about this practice"
        verbose_name_plural = "facts about this practice"
        constraints = [
            models.CheckConstraint(
                condition=Q(key__regex=A_FACT),
                name="a_fact_has_a_key_of_small_letters",
                violation_error_message="Write a key like legal_name.",
            )
        ]

    def __str__(self):
        return self.question
