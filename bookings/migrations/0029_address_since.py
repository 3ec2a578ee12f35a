"""Since which version the address is the one that a request has. Of requests that are there already nobody
knows it, so their links from before stay closed.
"""

from django.db import migrations, models

NOT_KNOWN = "UPDATE bookings_appointmentrequest SET address_since = version"


class Migration(migrations.Migration):
    dependencies = [("bookings", "0028_more_days_are_counted_again")]

    operations = [
        migrations.AddField(
            model_name="appointmentrequest",
            name="address_since",
            field=models.PositiveIntegerField(
                db_default=1,
                default=1,
                editable=False,
                help_text="The version from which on the e-mail address is this one: older links went elsewhere.",
            ),
        ),
        migrations.RunSQL(NOT_KNOWN, migrations.RunSQL.noop),
    ]
