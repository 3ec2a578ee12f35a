"""When a patient could come, for those who name no exact time."""

from django.db import models
from django.db.models import F, Q

from bookings.models.booking import AppointmentRequest
from bookings.models.clinic import Weekday


class RequestedPeriod(models.Model):
    """Days that would suit, of up to three: FHIR's Appointment.requestedPeriod.

    A single date begins and ends the same day; a weekday has no dates; the waiting list has both ends.
    """

    class PartOfDay(models.TextChoices):
        ANY = "any", "any time"
        MORNING = "morning", "in the morning"
        AFTERNOON = "afternoon", "in the afternoon"

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="periods")
    position = models.PositiveSmallIntegerField()
    first_day = models.DateField(null=True)
    last_day = models.DateField(null=True)
    weekday = models.PositiveSmallIntegerField(choices=Weekday, null=True)
    part_of_day = models.CharField(max_length=9, choices=PartOfDay, default=PartOfDay.ANY)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["request", "position"], name="each_requested_period_has_a_place"),
            models.CheckConstraint(
                condition=Q(first_day__isnull=True, last_day__isnull=True) | Q(last_day__gte=F("first_day")),
                name="a_requested_period_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(first_day__isnull=False) | Q(weekday__isnull=False),
                name="a_requested_period_names_a_day",
            ),
        ]

    def __str__(self):
        """Like “Tuesdays, in the morning” or “from March 9 to March 20, any time”."""
        days = []
        if self.weekday is not None:
            days.append(f"{self.get_weekday_display()}s")
        if self.first_day and self.first_day == self.last_day:
            days.append(f"{self.first_day:%A}, {_month_and_day(self.first_day)}")
        elif self.first_day:
            days.append(f"from {_month_and_day(self.first_day)} to {_month_and_day(self.last_day)}")
        return ", ".join([*days, self.get_part_of_day_display()])


def _month_and_day(day):
    return f"{day:%B} {day.day}, {day.year}"
