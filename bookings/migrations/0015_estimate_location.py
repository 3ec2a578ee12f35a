"""Every estimate names its location. A step of its own: rows were changed in the one before."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0014_estimate_as_given'),
    ]

    operations = [
        migrations.AlterField(
            model_name='estimate',
            name='location',
            field=models.ForeignKey(help_text='Where the visit is.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bookings.location'),
        ),
    ]
