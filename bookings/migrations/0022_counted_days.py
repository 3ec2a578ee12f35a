"""The numbers of days that are over, and triggers that tell when one has changed since.

A trigger on each table that is counted, so that bulk operations and plain SQL are told too. It notes the
day of the row as it was and as it is, in the time zone of its location.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION bookings_day_has_changed(location bigint, at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO bookings_changedday (location_id, day)
        SELECT id, (at AT TIME ZONE time_zone)::date
        FROM bookings_location WHERE id = location AND at IS NOT NULL;
$$;

CREATE FUNCTION bookings_tell_day_of_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM bookings_day_has_changed(OLD.location_id, OLD.created_at);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM bookings_day_has_changed(NEW.location_id, NEW.created_at);
    END IF;
    -- What hangs on a request counts where the request is.
    IF TG_OP = 'UPDATE' AND OLD.location_id <> NEW.location_id THEN
        PERFORM bookings_day_has_changed(place, at)
            FROM unnest(ARRAY[OLD.location_id, NEW.location_id]) AS place, (
                SELECT due_at FROM bookings_message WHERE request_id = NEW.id
                UNION SELECT starts_at FROM bookings_event WHERE request_id = NEW.id AND verb = 'cancel'
            ) AS what (at);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION bookings_tell_day_of_visit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM bookings_day_has_changed(location_id, lower(OLD.period))
            FROM bookings_schedule WHERE id = OLD.schedule_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM bookings_day_has_changed(location_id, lower(NEW.period))
            FROM bookings_schedule WHERE id = NEW.schedule_id;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION bookings_tell_day_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    happened bookings_event[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW] WHEN 'DELETE' THEN ARRAY[OLD]
        ELSE ARRAY[OLD, NEW] END;
BEGIN
    PERFORM bookings_day_has_changed(location_id, created_at),
            bookings_day_has_changed(location_id, CASE verb WHEN 'cancel' THEN starts_at END)
        FROM unnest(happened) AS event JOIN bookings_appointmentrequest AS asked ON asked.id = request_id;
    RETURN NULL;
END $$;

CREATE FUNCTION bookings_tell_day_of_message() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owed bookings_message[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW] WHEN 'DELETE' THEN ARRAY[OLD]
        ELSE ARRAY[OLD, NEW] END;
BEGIN
    PERFORM bookings_day_has_changed(location_id, due_at)
        FROM unnest(owed) AS message JOIN bookings_appointmentrequest AS asked ON asked.id = request_id;
    RETURN NULL;
END $$;

CREATE FUNCTION bookings_tell_day_of_closure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed bookings_closure[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW] WHEN 'DELETE' THEN ARRAY[OLD]
        ELSE ARRAY[OLD, NEW] END;
BEGIN
    -- Of one without an end in sight, the first year: what is to come has not been counted.
    PERFORM bookings_day_has_changed(location_id, at) FROM unnest(closed) AS closure,
        generate_series(starts_at, least(ends_at, starts_at + interval '1 year') + interval '1 day', interval '1 day') AS at;
    RETURN NULL;
END $$;
"""
TABLES = {
    "appointmentrequest": "request",
    "appointment": "visit",
    "event": "event",
    "message": "message",
    "closure": "closure",
}
TRIGGERS = "".join(
    f"CREATE TRIGGER its_day_is_counted_again AFTER INSERT OR UPDATE OR DELETE ON bookings_{table} "
    f"FOR EACH ROW EXECUTE FUNCTION bookings_tell_day_of_{what}();"
    for table, what in TABLES.items()
)
DROP = "".join(
    f"DROP TRIGGER its_day_is_counted_again ON bookings_{table};"
    f"DROP FUNCTION bookings_tell_day_of_{what};"
    for table, what in TABLES.items()
)
# Every day of the years before this was kept.
DAYS_SO_FAR = """
INSERT INTO bookings_changedday (location_id, day)
    SELECT DISTINCT place.id, (at AT TIME ZONE time_zone)::date FROM (
        SELECT location_id, created_at FROM bookings_appointmentrequest
        UNION ALL SELECT location_id, lower(period) FROM bookings_appointment
            JOIN bookings_schedule ON bookings_schedule.id = schedule_id
        UNION ALL SELECT location_id, due_at FROM bookings_message
            JOIN bookings_appointmentrequest AS asked ON asked.id = request_id
        UNION ALL SELECT location_id, starts_at FROM bookings_event
            JOIN bookings_appointmentrequest AS asked ON asked.id = request_id WHERE verb = 'cancel'
    ) AS counted (location_id, at) JOIN bookings_location AS place ON place.id = location_id
    WHERE at IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0021_content_version")]

    operations = [
        migrations.CreateModel(
            name="CountedDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "numbers",
                    models.JSONField(
                        help_text="By report and what it is of; numbers that are 0 are left out."
                    ),
                ),
                (
                    "waits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(),
                        help_text="Of each first answer, in tenths of an hour, in order.",
                        size=None,
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
                    models.UniqueConstraint(fields=("location", "day"), name="a_day_is_counted_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangedDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "location",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="bookings.location",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunSQL(FUNCTIONS + TRIGGERS + DAYS_SO_FAR, DROP + "DROP FUNCTION bookings_day_has_changed;"),
    ]
