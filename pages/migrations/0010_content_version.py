"""A number that rises with everything the public pages show, whoever changes it and by whatever way.

Who keeps finished pages asks for the sum of `number`: another sum, and they are made anew. A sequence
would rise before the change is committed, and the old page would be kept under the new number. Of one
row all editors would wait for each other, and some in a circle; so there are several. A transaction
raises any row that no other one holds, and makes one where all are held: it never waits.
"""

from django.db import migrations

# New words alone show nowhere: a page says which words are live. The name of whoever approved them does.
SHOWN = {
    "pages_page": "INSERT OR UPDATE OR DELETE OR TRUNCATE",
    "pages_revision": "UPDATE OR DELETE OR TRUNCATE",
    "pages_source": "INSERT OR UPDATE OR DELETE OR TRUNCATE",
    "pages_redirect": "INSERT OR UPDATE OR DELETE OR TRUNCATE",
}
NUMBER = """
CREATE TABLE pages_content_version (slot serial PRIMARY KEY, number bigint NOT NULL);
INSERT INTO pages_content_version (number) VALUES (1);

CREATE FUNCTION pages_raise_content_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free integer;
BEGIN
    SELECT slot INTO free FROM pages_content_version LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE pages_content_version SET number = number + 1 WHERE slot = free;
    ELSE
        INSERT INTO pages_content_version (number) VALUES (1);
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGER = """
CREATE TRIGGER readers_see_this AFTER {events} ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION pages_raise_content_version();
"""
NAMES = """
CREATE TRIGGER readers_see_this AFTER UPDATE OF username, first_name, last_name ON auth_user FOR EACH ROW
    WHEN ((OLD.username, OLD.first_name, OLD.last_name) <> (NEW.username, NEW.first_name, NEW.last_name))
    EXECUTE FUNCTION pages_raise_content_version();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("pages", "0009_search_follows_live"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(
            NUMBER + "".join(TRIGGER.format(table=table, events=SHOWN[table]) for table in SHOWN) + NAMES,
            "DROP FUNCTION pages_raise_content_version CASCADE; DROP TABLE pages_content_version;",
        ),
    ]
