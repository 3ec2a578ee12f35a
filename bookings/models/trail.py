"""Who of the staff saw which patients' records."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Viewing(models.Model):
    """One look of a member of staff at records of patients: keys only, nothing that was seen or sought.

    Rows are added and never changed or removed; a trigger sees to it.
    """

    class Kind(models.TextChoices):
        RECORD = "record", "opened a record"
        LIST = "list", "saw a list"
        SEARCH = "search", "searched"
        EXPORT = "export", "exported records"
        NUMBERS = "numbers", "exported numbers"

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="who")
    kind = models.CharField("what", max_length=8, choices=Kind)
    requests = ArrayField(models.BigIntegerField(), help_text="Keys of the requests that were shown.")
    at = models.DateTimeField("when", db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ["view"]

    def __str__(self):
        return f"{self.by}: {self.get_kind_display()}"
