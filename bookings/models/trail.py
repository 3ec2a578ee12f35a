"""Who saw and who changed which records: keys and names of columns, never what stands in them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Viewing(models.Model):
    """One look of a member of staff at records of patients: keys only, nothing that was seen or sought.

    Rows are added and never changed; a trigger sees to it. They go after six years.
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
    at = models.DateTimeField("when")

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ["view"]
        indexes = [
            models.Index(fields=["at", "id"], name="viewing_at"),
            models.Index(fields=["by", "at", "id"], name="viewing_by"),
            models.Index(fields=["kind", "at", "id"], name="viewing_kind"),
            GinIndex(fields=["requests"], name="viewing_requests"),
        ]

    def __str__(self):
        return f"{self.by}: {self.get_kind_display()}"


class Change(models.Model):
    """One row of a table that was added, changed or removed, by whatever way.

    Written by a trigger, so bulk operations and plain SQL are in it too. It never holds a value, so
    that what is erased is erased. Rows are added and never changed. They go after six years.
    """

    class Operation(models.TextChoices):
        INSERT = "insert", "added"
        UPDATE = "update", "changed"
        DELETE = "delete", "removed"

    class Table(models.TextChoices):
        """What a trigger watches over."""

        REQUEST = "bookings_appointmentrequest", "request"
        VISIT = "bookings_appointment", "time of a request"
        PERIOD = "bookings_requestedperiod", "days that suit"
        NOTE = "bookings_note", "note"
        ESTIMATE = "bookings_estimate", "estimate"
        ACCOUNT = "auth_user", "account"
        ROLE = "auth_group", "role"
        ROLE_OF_ACCOUNT = "auth_user_groups", "role of an account"
        RIGHT_OF_ACCOUNT = "auth_user_user_permissions", "right of an account"
        RIGHT_OF_ROLE = "auth_group_permissions", "right of a role"

    table = models.CharField("what", max_length=63, choices=Table)
    row = models.BigIntegerField("number")
    operation = models.CharField("done", max_length=6, choices=Operation)
    columns = ArrayField(models.TextField(), help_text="The names of the columns that changed.")
    by = models.BigIntegerField("who", null=True, help_text="The account that was signed in, if any.")
    role = models.CharField("database role", max_length=63)
    at = models.DateTimeField("when", db_index=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ["view"]
        indexes = [models.Index("table", "row", name="change_of_a_row")]

    def __str__(self):
        return f"{self.get_operation_display()}: {self.get_table_display()} {self.row}"
