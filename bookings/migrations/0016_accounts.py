"""Where staff are signed in, and the trail of what happened to their accounts: only ever added to."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The same for every trail. To empty what is empty loses nothing.
APPEND_ONLY = """
CREATE OR REPLACE FUNCTION bookings_refuse_change_of_trail() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_empty boolean;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I.%I)', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO is_empty;
        IF is_empty THEN
            RETURN NULL;
        END IF;
    END IF;
    RAISE EXCEPTION 'The trail is only ever added to.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'the_trail_is_only_added_to';
END $$;

CREATE TRIGGER the_trail_is_only_added_to BEFORE UPDATE OR DELETE ON bookings_accountevent
    FOR EACH ROW EXECUTE FUNCTION bookings_refuse_change_of_trail();
CREATE TRIGGER the_trail_is_not_emptied BEFORE TRUNCATE ON bookings_accountevent
    FOR EACH STATEMENT EXECUTE FUNCTION bookings_refuse_change_of_trail();
"""
UNDO = """
DROP TRIGGER the_trail_is_not_emptied ON bookings_accountevent;
DROP TRIGGER the_trail_is_only_added_to ON bookings_accountevent;
"""
RIGHTS = {
    "view_accountevent": "Can view account event",
    "recover_colleague": "Can reset a colleague’s second factor",
}


def give_rights(apps, schema_editor):
    """A manager reads the trail and helps a colleague who has lost the second factor."""
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="bookings", model="accountevent"
    )
    rights = apps.get_model("auth", "Permission").objects
    manager, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Manager")
    for codename, name in RIGHTS.items():
        right, _ = rights.get_or_create(content_type=kind, codename=codename, defaults={"name": name})
        manager.permissions.add(right)


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0018_changes'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('password', 'signed in with the password'), ('refused', 'wrong name or password'), ('locked', 'too many wrong tries: locked for a while'), ('confirmed', 'confirmed with the second factor'), ('wrong_code', 'wrong code'), ('added', 'added a second factor'), ('removed', 'removed a second factor'), ('new_codes', 'made new recovery codes'), ('ended', 'ended sessions'), ('reset', 'was sent a link for a new password'), ('recovered', 'had the second factor reset by a manager')], max_length=10, verbose_name='what')),
                ('at', models.DateTimeField(db_index=True, verbose_name='when')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by whom')),
                ('user', models.ForeignKey(help_text='Empty where nobody has the name that was typed.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='account')),
            ],
            options={
                'ordering': ['-at', '-pk'],
                'permissions': [('recover_colleague', 'Can reset a colleague’s second factor')],
                'default_permissions': ['view'],
            },
        ),
        migrations.CreateModel(
            name='StaffSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device', models.CharField(help_text='In words, like “Firefox on Windows”.', max_length=40)),
                ('began_at', models.DateTimeField()),
                ('used_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-used_at', '-pk'],
                'default_permissions': [],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, UNDO),
        # Going back leaves the group: people may be in it.
        migrations.RunPython(give_rights, migrations.RunPython.noop),
    ]
