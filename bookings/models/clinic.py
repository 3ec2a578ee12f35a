"""What the clinic sets up once: where it is, what can be asked for, when it is open."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

# What free times cost grows with their number: within these bounds no page waits for them.
SHORTEST_STEP, LONGEST_HORIZON = 5, 730  # minutes, days
A_DAY, A_YEAR = 24 * 60, 365 * 24  # minutes, hours
NAMED_HOURS = {"12pm": "noon", "12am": "midnight"}


def is_a_time_zone(name):
    # The names without a slash mean this machine's own, none, or a number of hours that never changes.
    if "/" not in name or name not in available_timezones():
        raise ValidationError(
            "%(name)s is not a time zone. Write it like America/New_York.", params={"name": name}
        )


class Location(models.Model):
    """A clinic address with one time zone; or visits by video, for people who are in some states.

    In all else, hours, rooms and kinds of visits, a location by video is one like any other.
    """

    name = models.CharField(max_length=80, help_text="How patients know it, like “Arlington”.")
    slug = models.SlugField(unique=True, help_text="Its place in the web address, like “arlington”.")
    street = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True, help_text="Two letters, like VA.")
    postal_code = models.CharField(max_length=10, blank=True)
    # Care is given where the patient is:
    # https://www.cchpca.org/topic/cross-state-licensing-professional-requirements/
    video_states = models.CharField(
        "states of patients seen by video",
        max_length=120,
        blank=True,
        help_text="Those in which your clinicians are licensed, like “Virginia or Maryland”.",
    )
    time_zone = models.CharField(
        max_length=40,
        default="America/New_York",
        validators=[is_a_time_zone],
        help_text="Opening hours and appointments are shown in this zone.",
    )
    phone = models.CharField(max_length=30)
    getting_here = models.TextField(
        blank=True, help_text="By car, by bus, which door. For visits by video: what happens, and when."
    )
    light_sound_smell = models.TextField(
        "light, sound and smell",
        blank=True,
        help_text="What a person with migraine wants to know before coming.",
    )
    step_free_access = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order in lists, lowest first.")
    is_listed = models.BooleanField(
        default=True, help_text="Whether patients can see it and ask for a visit there."
    )

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(video_states="", street__gt="", city__gt="", state__gt="", postal_code__gt="")
                | Q(video_states__gt="", street="", city="", state="", postal_code=""),
                name="a_location_has_an_address_or_is_by_video",
                violation_error_message="Enter the whole address that patients come to: street, city, "
                "state and postal code. Or, for visits by video, enter the states and no address.",
            )
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("location", args=[self.slug])

    @property
    def is_video(self) -> bool:
        return bool(self.video_states)

    @property
    def address(self) -> str:
        """On one line: “1 Example Street, Arlington, VA 22201”; by video, from where."""
        if self.is_video:
            return f"from a private place in {self.video_states}"
        return f"{self.street}, {self.city}, {self.state} {self.postal_code}"

    @property
    def needed_for_video(self) -> str:
        """What patients must know before they ask for a visit by video."""
        return (
            f"You must be in {self.video_states} during the visit: our clinicians are licensed there. "
            "You need a private place, and a phone or computer with a camera."
        )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def local(self, instant: datetime) -> datetime:
        """The wall clock of this place at `instant` (aware)."""
        return instant.astimezone(self.zone)

    def day_in_words(self, instant: datetime) -> str:
        """Like “Wednesday, March 10, 2027”, the day here at `instant`."""
        local = self.local(instant)
        return f"{local:%A}, {local:%B} {local.day}, {local.year}"

    def hour_in_words(self, instant: datetime) -> str:
        """Like “5pm EST”, “5:30pm EDT” or “noon EST”, the hour here at `instant`, with its zone."""
        local = self.local(instant)
        hour = f"{local.hour % 12 or 12}{f':{local:%M}' if local.minute else ''}{local:%p}".lower()
        return f"{NAMED_HOURS.get(hour, hour)} {local.tzname()}"

    def time_in_words(self, instant: datetime) -> str:
        """The one way in which a time is written for people: day, hour and the place's zone."""
        return f"{self.day_in_words(instant)} at {self.hour_in_words(instant)}"

    def time_in_short(self, instant: datetime) -> str:
        """The same for a column of a list, like “Wed, Mar 10, 2027, 5pm EST”."""
        local = self.local(instant)
        return f"{local:%a}, {local:%b} {local.day}, {local.year}, {self.hour_in_words(instant)}"


class VisitType(models.Model):
    """Something that can be asked for."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(unique=True)
    summary = models.CharField(max_length=200, help_text="One sentence that patients read when they choose.")
    minutes = models.PositiveSmallIntegerField(
        help_text="How long the visit lasts for the patient.",
        validators=[MaxValueValidator(A_DAY, "Enter at most 1,440 minutes, which is a day")],
    )
    minutes_before = models.PositiveSmallIntegerField(
        default=0,
        help_text="The chair or room is also taken for so long before.",
        validators=[MaxValueValidator(A_DAY, "Enter at most 1,440 minutes, which is a day")],
    )
    minutes_after = models.PositiveSmallIntegerField(
        default=0,
        help_text="The chair or room is also taken for so long after.",
        validators=[MaxValueValidator(A_DAY, "Enter at most 1,440 minutes, which is a day")],
    )
    step_minutes = models.PositiveSmallIntegerField(
        default=30,
        help_text="A visit may start every so many minutes from opening.",
        validators=[
            MinValueValidator(SHORTEST_STEP, "Enter at least 5 minutes between two starts"),
            MaxValueValidator(A_DAY, "Enter at most 1,440 minutes, which is a day"),
        ],
    )
    notice_hours = models.PositiveSmallIntegerField(
        "minimum notice in hours",
        default=24,
        help_text="The soonest a patient may ask for.",
        validators=[MaxValueValidator(A_YEAR, "Enter at most 8,760 hours, which is a year")],
    )
    horizon_days = models.PositiveSmallIntegerField(
        default=60,
        help_text="The last day a patient may ask for, counted from today.",
        validators=[MaxValueValidator(LONGEST_HORIZON, "Enter at most 730 days, which is two years")],
    )
    change_notice_hours = models.PositiveSmallIntegerField(
        "notice for changes in hours",
        default=24,
        help_text="Until so long before the visit patients can cancel or move it by themselves.",
        validators=[MaxValueValidator(A_YEAR, "Enter at most 8,760 hours, which is a year")],
    )
    remind_2_days_before = models.BooleanField(
        default=True, help_text="A reminder by email, two days before."
    )
    remind_1_day_before = models.BooleanField(default=True, help_text="By email, the day before.")
    price = models.DecimalField(
        "price in dollars",
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="For patients who pay without insurance; they read it. Include all related costs, as "
        "state rules on advertising ask. Empty: no price is shown.",
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="Order in lists, lowest first.")
    is_listed = models.BooleanField(default=True, help_text="Whether patients can ask for it.")
    after_consultation = models.BooleanField(
        "after a consultation only",
        default=False,
        db_default=False,
        help_text="Patients read that it exists and how to get there, but only staff can book it.",
    )

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes__gt=0),
                name="a_visit_has_a_length",
                violation_error_message="Give the visit a length of at least one minute.",
            ),
            models.CheckConstraint(
                condition=Q(step_minutes__gt=0),
                name="a_visit_type_has_a_step",
                violation_error_message="Say how many minutes lie between two possible starts.",
            ),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0),
                name="a_price_is_not_negative",
                violation_error_message="Give a price of 0 or more, or leave it empty.",
            ),
        ]

    def __str__(self):
        return self.name


class Schedule(models.Model):
    """One thing that holds one appointment at a time: a practitioner, an infusion chair, a room."""

    location = models.ForeignKey(Location, models.PROTECT, related_name="schedules")
    name = models.CharField(max_length=80, help_text="Staff see it; patients do not.")
    visit_types = models.ManyToManyField(VisitType, related_name="schedules")
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True, help_text="Whether it takes new appointments.")

    class Meta:
        ordering = ["location", "position", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["location", "name"],
                name="a_schedule_is_named_once_in_a_location",
                violation_error_message="This location already has a schedule of that name.",
            )
        ]

    def __str__(self):
        return f"{self.location}, {self.name}"


class Weekday(models.IntegerChoices):
    """As Python counts: `date.weekday()`."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


class OpeningHours(models.Model):
    """Weekly wall time of a location or, where it differs, of one schedule.

    A range that closes at or before the time it opens ends on the next day.
    """

    location = models.ForeignKey(Location, models.CASCADE, related_name="opening_hours")
    schedule = models.ForeignKey(
        Schedule,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="opening_hours",
        help_text="Leave empty for the whole location. A schedule with hours of its own uses only those.",
    )
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    opens = models.TimeField()
    closes = models.TimeField()
    valid_from = models.DateField(null=True, blank=True, help_text="Empty: always has been.")
    valid_until = models.DateField(null=True, blank=True, help_text="Empty: until further notice.")

    class Meta:
        ordering = ["location", "schedule", "weekday", "opens"]
        verbose_name = verbose_name_plural = "opening hours"
        constraints = [
            models.CheckConstraint(
                condition=~Q(opens=F("closes")),
                name="opening_hours_have_a_length",
                violation_error_message="Opening and closing time are the same.",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="opening_hours_end_after_they_begin",
                violation_error_message="The last day is before the first day.",
            ),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.opens:%H:%M} to {self.closes:%H:%M}"

    def clean(self):
        if self.schedule and self.location_id and self.schedule.location_id != self.location_id:
            raise ValidationError({"schedule": "This schedule belongs to another location."})


class Closure(models.Model):
    """A dated period in which nothing can be booked, with a reason."""

    class Reason(models.TextChoices):
        HOLIDAY = "holiday"
        LEAVE = "leave"
        TRAINING = "training"
        REPAIR = "repair"
        OTHER = "other"

    location = models.ForeignKey(Location, models.CASCADE, related_name="closures")
    schedule = models.ForeignKey(
        Schedule, models.CASCADE, null=True, blank=True, help_text="Leave empty for the whole location."
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=10, choices=Reason, default=Reason.HOLIDAY)

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="a_closure_ends_after_it_starts",
                violation_error_message="The closure ends before it starts.",
            )
        ]

    def __str__(self):
        return f"{self.location}, {self.get_reason_display().lower()}"
