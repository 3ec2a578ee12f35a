"""What somebody who pays without insurance was told a visit will cost."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from bookings.models.booking import AppointmentRequest
from bookings.models.clinic import Location


class Estimate(models.Model):
    """One written good-faith estimate as it was given: it stays, whatever the price becomes."""

    class How(models.TextChoices):
        HAND = "hand", "Given by hand"
        POST = "post", "Sent by post"
        EMAIL = "email", "Sent by email"

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="estimates")
    starts_at = models.DateTimeField(help_text="The visit that it is for.")
    visit = models.CharField(max_length=80, help_text="The name of the visit type as it was then.")
    summary = models.CharField(max_length=200, blank=True, help_text="What is done, in plain words.")
    location = models.ForeignKey(Location, models.PROTECT, related_name="+", help_text="Where the visit is.")
    address = models.CharField(max_length=260, help_text="Its address as it was then.")
    price = models.DecimalField("price in dollars", max_digits=8, decimal_places=2)
    how = models.CharField(max_length=5, choices=How)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, help_text="When the patient first opened it on their page.")

    class Meta:
        ordering = ["at", "pk"]
        default_permissions = ["view"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="an_estimate_is_not_negative"),
        ]

    def __str__(self):
        return f"Estimate for {self.request}"

    @property
    def made_on(self) -> str:
        """The day on which it was given, in words."""
        return self.location.day_in_words(self.at)

    @property
    def time(self) -> str:
        """When the visit is that it speaks of, in words."""
        return self.location.time_in_words(self.starts_at) if self.starts_at else ""
