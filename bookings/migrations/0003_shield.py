from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0003_sent_at_stays'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('key', models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ('hits', models.PositiveIntegerField(editable=False)),
                ('ends_at', models.DateTimeField(db_index=True, editable=False, help_text='Then the count begins anew.')),
            ],
        ),
    ]
