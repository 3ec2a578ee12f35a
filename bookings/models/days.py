"""What the reports keep of days and weeks that are over."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from bookings.models.clinic import Location


class CountedDay(models.Model):
    """The numbers of one local day at one location, counted when it was over: they tell of no person.

    They are true for as long as no ChangedDay says otherwise. `bookings.counting` writes them.
    """

    location = models.ForeignKey(Location, models.PROTECT, related_name="+")
    day = models.DateField()
    numbers = models.JSONField(help_text="By report and what it is of; numbers that are 0 are left out.")
    waits = ArrayField(
        models.PositiveIntegerField(), help_text="Of each first answer, in tenths of an hour, in order."
    )

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["location", "day"], name="a_day_is_counted_once")]

    def __str__(self):
        return f"{self.location}, {self.day}"


class CountedWeek(models.Model):
    """The sums of seven counted days from a Monday on.

    A trigger takes it away when one of these days is counted again; like a day, it is not true while
    one of them is a ChangedDay.
    """

    location = models.ForeignKey(Location, models.PROTECT, related_name="+")
    monday = models.DateField()
    numbers = models.JSONField(help_text="As those of a day.")
    packed_waits = models.BinaryField(
        null=True, help_text="The waits of its days in order, as 2 bytes each, the low one first."
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["location", "monday"], name="a_week_is_counted_once"),
            models.CheckConstraint(condition=Q(monday__iso_week_day=1), name="a_week_begins_on_a_monday"),
        ]

    def __str__(self):
        return f"{self.location}, the week of {self.monday}"


class ChangedDay(models.Model):
    """A local day at a location of which something has changed since it was counted, or ever.

    Triggers add such rows and never look at others, so that no two bookings wait for each other. A row
    goes when its day has been counted by somebody who saw it before.
    """

    location = models.ForeignKey(
        Location, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    day = models.DateField()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"{self.location}, {self.day}"
