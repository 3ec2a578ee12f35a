"""The trail of reads. What it says stays: it refuses change, removal and emptying, whoever asks."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION bookings_refuse_change_of_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- To empty what is empty loses nothing.
    IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM bookings_viewing) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The trail is only ever added to.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'the_trail_is_only_added_to';
END $$;

CREATE TRIGGER the_trail_is_only_added_to BEFORE UPDATE OR DELETE ON bookings_viewing
    FOR EACH ROW EXECUTE FUNCTION bookings_refuse_change_of_trail();
CREATE TRIGGER the_trail_is_not_emptied BEFORE TRUNCATE ON bookings_viewing
    FOR EACH STATEMENT EXECUTE FUNCTION bookings_refuse_change_of_trail();
"""
UNDO = """
DROP TRIGGER the_trail_is_not_emptied ON bookings_viewing;
DROP TRIGGER the_trail_is_only_added_to ON bookings_viewing;
DROP FUNCTION bookings_refuse_change_of_trail();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0005_search'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Viewing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('record', 'opened a record'), ('list', 'saw a list'), ('search', 'searched'), ('export', 'exported records'), ('numbers', 'exported numbers')], max_length=8, verbose_name='what')),
                ('requests', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='Keys of the requests that were shown.', size=None)),
                ('at', models.DateTimeField(db_index=True, verbose_name='when')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
            ],
            options={
                'ordering': ['-at', '-pk'],
                'default_permissions': ['view'],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, UNDO),
    ]
