"""No temporary table stands in for a real one, and what was erased stays erased.

A function without a search_path of its own looks its tables up where its caller says: a temporary table
named like that of the requests let a note be deleted without an erasure. A note could also go after its
request, and an erasure could be undone once the notes were gone.
"""

from django.db import migrations

SEARCH_PATH = """
DO $$
DECLARE
    ours regprocedure;
BEGIN
    FOR ours IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND starts_with(proname, 'bookings_')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', ours);
    END LOOP;
END $$;
"""
NOTES = """
CREATE OR REPLACE FUNCTION bookings_note_goes_with_its_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {is_kept} THEN
        RAISE EXCEPTION 'A note goes when its request is erased.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_note_goes_with_its_request';
    END IF;
    RETURN OLD;
END $$;
"""
ONLY_ERASED = NOTES.format(
    is_kept="""NOT EXISTS (
        SELECT FROM bookings_appointmentrequest WHERE id = OLD.request_id AND erased_at IS NOT NULL
    )"""
)
AS_BEFORE = NOTES.format(
    is_kept="""EXISTS (
        SELECT FROM bookings_appointmentrequest WHERE id = OLD.request_id AND erased_at IS NULL
    )"""
)
ERASURES = """
CREATE FUNCTION bookings_erasure_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What was erased stays erased.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'an_erasure_is_never_undone';
END $$;
CREATE TRIGGER an_erasure_is_never_undone BEFORE UPDATE ON bookings_appointmentrequest
    FOR EACH ROW
    WHEN (OLD.erased_at IS NOT NULL AND NEW.erased_at IS DISTINCT FROM OLD.erased_at)
    EXECUTE FUNCTION bookings_erasure_stays();
"""
UNDO = """
DROP TRIGGER an_erasure_is_never_undone ON bookings_appointmentrequest;
DROP FUNCTION bookings_erasure_stays;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0030_guesses_are_noted")]

    operations = [
        migrations.RunSQL(ONLY_ERASED, AS_BEFORE),
        migrations.RunSQL(ERASURES, UNDO),
        # Last, since a function that is made anew loses it. Going back leaves it: nothing needs another one.
        migrations.RunSQL(SEARCH_PATH, migrations.RunSQL.noop),
    ]
