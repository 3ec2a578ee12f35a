"""Sums of weeks, for reports of a year, and a trigger that takes one away when a day of it changes.

The trigger is what keeps them true, whichever version of the worker counts the days.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

TRIGGER = """
CREATE FUNCTION bookings_take_its_week_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM bookings_countedweek
        WHERE location_id = OLD.location_id AND monday = OLD.day - extract(isodow FROM OLD.day)::int + 1;
    RETURN NULL;
END $$;
-- A day is never new in a week that is summed: such a week has its seven.
CREATE TRIGGER its_week_is_counted_again AFTER UPDATE OR DELETE ON bookings_countedday
    FOR EACH ROW EXECUTE FUNCTION bookings_take_its_week_away();
"""
DROP = """
DROP TRIGGER its_week_is_counted_again ON bookings_countedday;
DROP FUNCTION bookings_take_its_week_away;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0022_counted_days")]

    operations = [
        migrations.CreateModel(
            name="CountedWeek",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("monday", models.DateField()),
                ("numbers", models.JSONField(help_text="As those of a day.")),
                (
                    "waits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), help_text="As those of a day.", size=None
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bookings.location",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("location", "monday"), name="a_week_is_counted_once"),
                    models.CheckConstraint(
                        condition=models.Q(("monday__iso_week_day", 1)), name="a_week_begins_on_a_monday"
                    ),
                ],
            },
        ),
        migrations.RunSQL(TRIGGER, DROP),
    ]
