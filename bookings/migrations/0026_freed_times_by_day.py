"""Times that moves gave back are found by when they are; the index is built beside the work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # as CREATE INDEX CONCURRENTLY wants it

    dependencies = [("bookings", "0025_freed_times")]

    operations = [
        AddIndexConcurrently(
            "event",
            models.Index(
                models.F("freed__startswith"),
                name="event_freed",
                condition=models.Q(("freed__isnull", False)),
            ),
        ),
    ]
