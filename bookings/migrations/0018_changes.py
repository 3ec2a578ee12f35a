"""The trail of writes. Triggers keep it, so that no way to the tables goes past it.

The function runs as its owner: in production the application's role may not write the trail itself.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

PATIENTS = [
    f"bookings_{model}" for model in ("appointmentrequest", "appointment", "requestedperiod", "note", "estimate")
]
ACCOUNTS = [
    f"auth_{model}" for model in ("user", "group", "user_groups", "user_user_permissions", "group_permissions")
]
FUNCTIONS = """
CREATE FUNCTION bookings_keep_change() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    names text[] := '{}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(key ORDER BY key) INTO names
            FROM jsonb_each(after) WHERE value IS DISTINCT FROM before -> key;
        IF names IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO bookings_change ("table", "row", operation, columns, by, role, at) VALUES (
        TG_TABLE_NAME, (coalesce(after, before) ->> 'id')::bigint, lower(TG_OP), names,
        nullif(current_setting('clinic.by', true), '')::bigint, session_user, clock_timestamp()
    );
    RETURN NULL;
END $$;

CREATE FUNCTION bookings_refuse_change_of_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- To empty what is empty loses nothing.
    IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM bookings_change) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The trail is only ever added to.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'the_trail_is_only_added_to';
END $$;
CREATE TRIGGER the_trail_is_only_added_to BEFORE UPDATE OR DELETE ON bookings_change
    FOR EACH ROW EXECUTE FUNCTION bookings_refuse_change_of_changes();
CREATE TRIGGER the_trail_is_not_emptied BEFORE TRUNCATE ON bookings_change
    FOR EACH STATEMENT EXECUTE FUNCTION bookings_refuse_change_of_changes();

CREATE FUNCTION bookings_refuse_to_be_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_empty boolean;
BEGIN
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', TG_TABLE_NAME) INTO is_empty;
    IF NOT is_empty THEN
        RAISE EXCEPTION 'The records of patients are not emptied: no row of the trail would say so.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'records_are_not_emptied';
    END IF;
    RETURN NULL;
END $$;
"""
DROP_FUNCTIONS = """
DROP TRIGGER the_trail_is_not_emptied ON bookings_change;
DROP TRIGGER the_trail_is_only_added_to ON bookings_change;
DROP FUNCTION bookings_refuse_to_be_emptied, bookings_refuse_change_of_changes, bookings_keep_change;
"""
TRIGGERS = "".join(
    f"CREATE TRIGGER changes_are_kept AFTER INSERT OR UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION bookings_keep_change();"
    for table in [*PATIENTS, *ACCOUNTS]
) + "".join(
    f"CREATE TRIGGER records_are_not_emptied BEFORE TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION bookings_refuse_to_be_emptied();"
    for table in PATIENTS
)
DROP_TRIGGERS = "".join(f"DROP TRIGGER changes_are_kept ON {table};" for table in [*PATIENTS, *ACCOUNTS]) + "".join(
    f"DROP TRIGGER records_are_not_emptied ON {table};" for table in PATIENTS
)


def let_managers_read(apps, schema_editor):
    """The right exists only after all migrations otherwise."""
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="bookings", model="change"
    )
    right, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename="view_change", defaults={"name": "Can view change"}
    )
    apps.get_model("auth", "Group").objects.get(name="Manager").permissions.add(right)


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0015_estimate_location"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(choices=[('bookings_appointmentrequest', 'request'), ('bookings_appointment', 'time of a request'), ('bookings_requestedperiod', 'days that suit'), ('bookings_note', 'note'), ('bookings_estimate', 'estimate'), ('auth_user', 'account'), ('auth_group', 'role'), ('auth_user_groups', 'role of an account'), ('auth_user_user_permissions', 'right of an account'), ('auth_group_permissions', 'right of a role')], max_length=63, verbose_name="what")),
                ("row", models.BigIntegerField(verbose_name="number")),
                ("operation", models.CharField(choices=[("insert", "added"), ("update", "changed"), ("delete", "removed")], max_length=6, verbose_name="done")),
                ("columns", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text="The names of the columns that changed.", size=None)),
                ("by", models.BigIntegerField(help_text="The account that was signed in, if any.", null=True, verbose_name="who")),
                ("role", models.CharField(max_length=63, verbose_name="database role")),
                ("at", models.DateTimeField(db_index=True, verbose_name="when")),
            ],
            options={
                "ordering": ["-pk"],
                "default_permissions": ["view"],
                "indexes": [models.Index(models.F("table"), models.F("row"), name="change_of_a_row")],
            },
        ),
        migrations.RunPython(let_managers_read, migrations.RunPython.noop),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]
