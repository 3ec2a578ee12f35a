"""An index that knows all of a failed message that the desk's lists ask for; built beside the work."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # as CREATE INDEX CONCURRENTLY wants it

    dependencies = [("bookings", "0023_counted_weeks")]

    operations = [
        AddIndexConcurrently(
            "message",
            models.Index(
                condition=models.Q(("status", "failed")),
                fields=["request"],
                include=("id", "kind", "due_at"),
                name="message_undelivered",
            ),
        ),
        RemoveIndexConcurrently("message", "message_failed"),
    ]
