"""A code for the network that an open request came from, so that none of them holds too many times."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0031_functions_have_their_own_search_path'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='appointmentrequest',
            name='an_erased_request_names_nobody',
        ),
        migrations.AddField(
            model_name='appointmentrequest',
            name='network',
            field=models.CharField(db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddConstraint(
            model_name='appointmentrequest',
            constraint=models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), models.Q(('asked_by', ''), ('email', ''), ('language', ''), ('may_leave_message', False), ('needs', []), ('network', ''), ('note', ''), ('patient_name', 'erased'), ('person', ''), ('phone', '')), _connector='OR'), name='an_erased_request_names_nobody'),
        ),
    ]
