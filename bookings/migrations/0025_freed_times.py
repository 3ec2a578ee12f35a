"""What a visit occupied before it was moved: that time is free again, and somebody may wait for it."""

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0024_undelivered")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="freed",
            field=django.contrib.postgres.fields.ranges.DateTimeRangeField(
                help_text="What a visit occupied before it was moved.", null=True
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="freed_in",
            field=models.ForeignKey(
                db_index=False,
                help_text="The schedule in which it did.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="bookings.schedule",
            ),
        ),
    ]
