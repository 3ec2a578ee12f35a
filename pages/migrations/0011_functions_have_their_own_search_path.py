"""No temporary table stands in for a real one: a function looks its tables up where it says, not its caller."""

from django.db import migrations

SEARCH_PATH = """
DO $$
DECLARE
    ours regprocedure;
BEGIN
    FOR ours IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND starts_with(proname, 'pages_')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', ours);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("pages", "0010_content_version")]

    operations = [migrations.RunSQL(SEARCH_PATH, migrations.RunSQL.noop)]
