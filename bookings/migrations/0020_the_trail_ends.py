"""Rows of the trail may go after six years (45 CFR 164.316(b)(2)(i)), by one function and no other way.

The database's own clock counts them, so that no caller can make them fewer. The function runs as its
owner: the application's role still may not delete a row of the trail itself.
"""

from django.db import migrations

# The body is that of 0016; a row that is old enough goes before it.
REFUSAL = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_empty boolean;
BEGIN
    {old_rows_go}
    -- To empty what is empty loses nothing.
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I.%I)', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO is_empty;
        IF is_empty THEN
            RETURN NULL;
        END IF;
    END IF;
    RAISE EXCEPTION 'The trail is only ever added to.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'the_trail_is_only_added_to';
END $$;
"""
OLD_ROWS_GO = """
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < clock_timestamp() - interval '6 years' THEN
            RETURN OLD;
        END IF;
    END IF;
"""
FORGET = """
CREATE FUNCTION bookings_forget_trail() RETURNS bigint LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH seen AS (
        DELETE FROM bookings_viewing WHERE at < clock_timestamp() - interval '6 years' RETURNING 1
    ), changed AS (
        DELETE FROM bookings_change WHERE at < clock_timestamp() - interval '6 years' RETURNING 1
    ), signed_in AS (
        DELETE FROM bookings_accountevent WHERE at < clock_timestamp() - interval '6 years' RETURNING 1
    )
    SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM changed) + (SELECT count(*) FROM signed_in);
$$;
"""


def refusals(old_rows_go):
    functions = ("bookings_refuse_change_of_trail", "bookings_refuse_change_of_changes")
    return "".join(REFUSAL.format(function=function, old_rows_go=old_rows_go) for function in functions)


class Migration(migrations.Migration):
    dependencies = [("bookings", "0019_erasure")]

    operations = [
        migrations.RunSQL(
            refusals(OLD_ROWS_GO) + FORGET, "DROP FUNCTION bookings_forget_trail;" + refusals("")
        ),
    ]
