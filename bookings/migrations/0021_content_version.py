"""A number that rises with everything that staff set up: places, hours, closures, visits and prices.

As pages.0010_content_version, which says why it is several rows. Requests and visits never raise it:
no page that is kept for everybody shows them.
"""

from django.db import migrations

SHOWN = [
    "bookings_location",
    "bookings_openinghours",
    "bookings_closure",
    "bookings_visittype",
    "bookings_schedule",
    "bookings_schedule_visit_types",
]
NUMBER = """
CREATE TABLE bookings_content_version (slot serial PRIMARY KEY, number bigint NOT NULL);
INSERT INTO bookings_content_version (number) VALUES (1);

CREATE FUNCTION bookings_raise_content_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free integer;
BEGIN
    SELECT slot INTO free FROM bookings_content_version LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE bookings_content_version SET number = number + 1 WHERE slot = free;
    ELSE
        INSERT INTO bookings_content_version (number) VALUES (1);
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGER = """
CREATE TRIGGER readers_see_this AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION bookings_raise_content_version();
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0020_the_trail_ends")]

    operations = [
        migrations.RunSQL(
            NUMBER + "".join(TRIGGER.format(table=table) for table in SHOWN),
            "DROP FUNCTION bookings_raise_content_version CASCADE; DROP TABLE bookings_content_version;",
        ),
    ]
