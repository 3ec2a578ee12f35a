"""The waits of a week as packed numbers, which a report of a year reads in a tenth of the time.

The list of before stays, empty, for the version before, and goes in a later one. A sum that it writes
meanwhile has no packed waits: it is read from its days until it is summed again.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0026_freed_times_by_day")]

    operations = [
        migrations.AddField(
            "countedweek",
            "packed_waits",
            models.BinaryField(
                help_text="The waits of its days in order, as 2 bytes each, the low one first.", null=True
            ),
        ),
        migrations.AlterField(
            "countedweek",
            "waits",
            ArrayField(models.PositiveSmallIntegerField(), db_default=[], help_text="As those of a day."),
        ),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("countedweek", "waits")]),
    ]
