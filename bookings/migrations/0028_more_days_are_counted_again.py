"""More ways in which days that were counted change.

A closure after midnight takes time away from the day before, one of years from days that were counted
long after it began. In another time zone a location's days lie otherwise, and a schedule that goes to
another location takes its visits along.
"""

from django.db import migrations

CLOSURE = """
CREATE OR REPLACE FUNCTION bookings_tell_day_of_closure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed bookings_closure[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[NEW] WHEN 'DELETE' THEN ARRAY[OLD]
        ELSE ARRAY[OLD, NEW] END;
BEGIN
    {why}
    PERFORM bookings_day_has_changed(location_id, at) FROM unnest(closed) AS closure,
        generate_series({first}, least(ends_at, {last} + interval '1 year') + interval '1 day', interval '1 day') AS at;
    RETURN NULL;
END $$;
"""
WHY = """-- From the day before on, whose hours may end after midnight. Of a closure without an end in sight,
    -- a year more: what is to come has not been counted."""
FIRST, LAST = "starts_at - interval '1 day'", """greatest(starts_at, (
            SELECT max(day) FROM bookings_countedday AS counted WHERE counted.location_id = closure.location_id
        ))"""
PLACES = """
CREATE FUNCTION bookings_all_days_have_changed(place bigint) RETURNS void LANGUAGE sql AS $$
    -- With the days beside them: what was on one of these days may be on another now.
    INSERT INTO bookings_changedday (location_id, day)
        SELECT DISTINCT place, day + beside FROM (
            SELECT day FROM bookings_countedday WHERE location_id = place
            UNION ALL SELECT day FROM bookings_changedday WHERE location_id = place
        ) AS known (day), generate_series(-1, 1) AS beside;
$$;

CREATE FUNCTION bookings_tell_days_of_location() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bookings_all_days_have_changed(NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION bookings_tell_days_of_schedule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bookings_all_days_have_changed(place) FROM unnest(ARRAY[OLD.location_id, NEW.location_id]) AS place;
    PERFORM bookings_day_has_changed(NEW.location_id, lower(period))
        FROM bookings_appointment WHERE schedule_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER its_days_are_counted_again AFTER UPDATE OF time_zone ON bookings_location FOR EACH ROW
    WHEN (OLD.time_zone <> NEW.time_zone) EXECUTE FUNCTION bookings_tell_days_of_location();
CREATE TRIGGER its_days_are_counted_again AFTER UPDATE OF location_id ON bookings_schedule FOR EACH ROW
    WHEN (OLD.location_id <> NEW.location_id) EXECUTE FUNCTION bookings_tell_days_of_schedule();
"""
DROP = """
DROP TRIGGER its_days_are_counted_again ON bookings_schedule;
DROP TRIGGER its_days_are_counted_again ON bookings_location;
DROP FUNCTION bookings_tell_days_of_schedule;
DROP FUNCTION bookings_tell_days_of_location;
DROP FUNCTION bookings_all_days_have_changed;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0027_packed_waits")]

    operations = [
        migrations.RunSQL(
            CLOSURE.format(why=WHY, first=FIRST, last=LAST),
            CLOSURE.format(why="-- The first year.", first="starts_at", last="starts_at"),
        ),
        migrations.RunSQL(PLACES, DROP),
    ]
