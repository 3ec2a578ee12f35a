"""An estimate keeps all that it said; one that was given settles the day by which it was owed."""

import django.db.models.deletion
from django.db import migrations, models

# Until now only the time, the kind of visit and the price were kept: the rest is what it is today.
FILL = """
UPDATE bookings_estimate SET
    location_id = place.id,
    address = place.street || ', ' || place.city || ', ' || place.state || ' ' || place.postal_code,
    summary = coalesce(visit.summary, '')
FROM bookings_appointmentrequest AS asked
JOIN bookings_location AS place ON place.id = asked.location_id
LEFT JOIN bookings_visittype AS visit ON visit.id = asked.visit_type_id
WHERE asked.id = bookings_estimate.request_id;

UPDATE bookings_appointmentrequest AS asked SET estimate_due_on = NULL
WHERE EXISTS (
    SELECT FROM bookings_estimate AS given
    JOIN bookings_appointment AS visit ON lower(visit.period) = given.starts_at
    WHERE given.request_id = asked.id AND visit.request_id = asked.id AND visit.status = 'booked'
);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0012_many_years'),
    ]

    operations = [
        migrations.AddField(
            model_name='estimate',
            name='address',
            field=models.CharField(default='', help_text='Its address as it was then.', max_length=260),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='estimate',
            name='location',
            field=models.ForeignKey(help_text='Where the visit is.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bookings.location'),
        ),
        migrations.AddField(
            model_name='estimate',
            name='opened_at',
            field=models.DateTimeField(help_text='When the patient first opened it on their page.', null=True),
        ),
        migrations.AddField(
            model_name='estimate',
            name='summary',
            field=models.CharField(blank=True, default='', help_text='What is done, in plain words.', max_length=200),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='estimate',
            name='how',
            field=models.CharField(choices=[('hand', 'Given by hand'), ('post', 'Sent by post'), ('email', 'Sent by e-mail')], max_length=5),
        ),
        migrations.AlterField(
            model_name='appointmentrequest',
            name='estimate_due_on',
            field=models.DateField(editable=False, help_text='The last day for the written estimate that is still owed.', null=True),
        ),
        migrations.AlterField(
            model_name='appointmentrequest',
            name='pays_self',
            field=models.BooleanField(editable=False, help_text='Empty: not known yet.', null=True, verbose_name='pays without insurance'),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('verify', 'confirm your e-mail address'), ('received', 'we have your request'), ('accepted', 'your appointment'), ('offered', 'another time for you'), ('declined', 'we cannot offer this'), ('waitlisted', 'you are on the waiting list'), ('cancelled', 'your appointment is cancelled'), ('rescheduled', 'your appointment has moved'), ('reminder_2', 'your appointment in two days'), ('reminder_1', 'your appointment tomorrow'), ('expired', 'we did not answer in time'), ('link', 'a new link to your request'), ('estimate', 'your written estimate'), ('staff_new', 'to the clinic: a new request'), ('staff_overdue', 'to the clinic: an answer is due'), ('staff_failed', 'to the clinic: a message was not delivered')], max_length=14),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
