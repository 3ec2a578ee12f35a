"""How often something was done lately."""

from django.db import models


class Tally(models.Model):
    """One window of one thing that is counted. Written by bookings.shield alone.

    What is counted (an address, a network) stands here as a keyed hash: the table tells nothing of
    anybody without the site's secret key.
    """

    key = models.CharField(max_length=64, primary_key=True, editable=False)
    hits = models.PositiveIntegerField(editable=False)
    ends_at = models.DateTimeField(db_index=True, editable=False, help_text="Then the count begins anew.")

    def __str__(self):
        return f"{self.hits} until {self.ends_at:%Y-%m-%d %H:%M} UTC"
