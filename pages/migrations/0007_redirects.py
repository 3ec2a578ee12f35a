"""Old addresses. What a check constraint cannot say: an address that readers find does not lead away."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

STAYS = """
CREATE FUNCTION pages_refuse_redirect_of_a_page() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pages_page WHERE path = NEW.old_path AND live_id IS NOT NULL) THEN
        RAISE EXCEPTION 'An address that readers find does not lead elsewhere.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_public_page_does_not_lead_elsewhere';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER a_public_page_does_not_lead_elsewhere BEFORE INSERT OR UPDATE ON pages_redirect
    FOR EACH ROW EXECUTE FUNCTION pages_refuse_redirect_of_a_page();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('pages', '0006_search'),
    ]

    operations = [
        migrations.CreateModel(
            name='Redirect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('old_path', models.CharField(help_text='The old address without slashes at the ends.', max_length=200, unique=True, validators=[django.core.validators.RegexValidator('^([a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*)?$', 'Write a path like ketamine-for-migraine/does-it-work.')])),
                ('page', models.ForeignKey(help_text='Where readers are sent.', on_delete=django.db.models.deletion.PROTECT, related_name='redirects', to='pages.page')),
            ],
            options={
                'ordering': ['old_path'],
                'constraints': [models.CheckConstraint(condition=models.Q(('old_path__regex', '^([a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*)?$'), models.Q(('old_path', ''), _negated=True)), name='an_old_path_is_lower_case_words_between_slashes', violation_error_message='Write a path like ketamine-for-migraine/does-it-work.')],
            },
        ),
        migrations.RunSQL(
            STAYS,
            "DROP TRIGGER a_public_page_does_not_lead_elsewhere ON pages_redirect;"
            "DROP FUNCTION pages_refuse_redirect_of_a_page;",
        ),
    ]
