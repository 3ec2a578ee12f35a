"""Requests that no longer tell who asked. A note goes with its request and not before."""

from django.db import migrations, models

NOTES = """
CREATE FUNCTION bookings_note_goes_with_its_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM bookings_appointmentrequest WHERE id = OLD.request_id AND erased_at IS NULL
    ) THEN
        RAISE EXCEPTION 'A note goes when its request is erased.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_note_goes_with_its_request';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER a_note_goes_with_its_request BEFORE DELETE ON bookings_note
    FOR EACH ROW EXECUTE FUNCTION bookings_note_goes_with_its_request();
"""
UNDO = """
DROP TRIGGER a_note_goes_with_its_request ON bookings_note;
DROP FUNCTION bookings_note_goes_with_its_request;
"""


def let_managers_erase(apps, schema_editor):
    """The right exists only after all migrations otherwise."""
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="bookings", model="appointmentrequest"
    )
    right, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind, codename="erase_requests", defaults={"name": "Can erase requests"}
    )
    apps.get_model("auth", "Group").objects.get(name="Manager").permissions.add(right)


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0016_accounts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='appointmentrequest',
            options={'ordering': ['reply_until', 'pk'], 'permissions': [('decide_request', 'Can accept and decline requests'), ('mark_visit', 'Can say what came of a visit'), ('override_hours', 'Can book outside opening hours and notice'), ('export_requests', 'Can export requests'), ('view_reports', 'Can view reports'), ('erase_requests', 'Can erase requests')]},
        ),
        migrations.RemoveConstraint(
            model_name='appointmentrequest',
            name='a_request_can_be_answered',
        ),
        migrations.AddField(
            model_name='appointmentrequest',
            name='erased_at',
            field=models.DateTimeField(editable=False, help_text='Since when nothing here tells who the patient is.', null=True),
        ),
        migrations.AddConstraint(
            model_name='appointmentrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('email', ''), _negated=True), models.Q(('phone', ''), _negated=True), ('erased_at__isnull', False), _connector='OR'), name='a_request_can_be_answered', violation_error_message='Give an e-mail address or a phone number.'),
        ),
        migrations.AddConstraint(
            model_name='appointmentrequest',
            constraint=models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), models.Q(('asked_by', ''), ('email', ''), ('language', ''), ('may_leave_message', False), ('needs', []), ('note', ''), ('patient_name', 'erased'), ('person', ''), ('phone', '')), _connector='OR'), name='an_erased_request_names_nobody'),
        ),
        migrations.RunPython(let_managers_erase, migrations.RunPython.noop),
        migrations.RunSQL(NOTES, UNDO),
    ]
