"""What patients ask for and what the clinic answers. Only bookings.lifecycle writes the statuses."""

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, Lower

from bookings.models.clinic import Location, Schedule, VisitType


def without(pattern, expression):
    """The text without whatever matches the pattern, in a form that an index may hold."""
    return Func(
        expression,
        Value(pattern),
        Value(""),
        Value("g"),
        function="regexp_replace",
        output_field=models.TextField(),
    )


def plain_text(expression):
    """Lower case without accents, as people type a name into a search."""
    lower = Func(
        Lower(expression), template="normalize(%(expressions)s, NFKD)", output_field=models.TextField()
    )
    return without(r"[\u0300-\u036f]", lower)


# What stands in a request that was erased.
ERASED = {
    "patient_name": "erased",
    "asked_by": "",
    "email": "",
    "phone": "",
    "person": "",
    "network": "",
    "may_leave_message": False,
    "needs": [],
    "language": "",
    "note": "",
}


class AppointmentRequest(models.Model):
    """What a patient asks; decided by staff once."""

    class Status(models.TextChoices):
        UNVERIFIED = "unverified", "email not yet confirmed"
        PENDING = "pending", "needs reply"
        OFFERED = "offered", "another time offered"
        WAITLISTED = "waitlisted", "on the waiting list"
        ACCEPTED = "accepted", "accepted"
        DECLINED = "declined", "declined"
        WITHDRAWN = "withdrawn", "withdrawn"
        EXPIRED = "expired", "expired"

    NEXT = {
        Status.UNVERIFIED: {Status.PENDING, Status.WITHDRAWN, Status.EXPIRED},
        Status.PENDING: {
            Status.ACCEPTED,
            Status.OFFERED,
            Status.WAITLISTED,
            Status.DECLINED,
            Status.WITHDRAWN,
            Status.EXPIRED,
        },
        Status.OFFERED: {
            Status.ACCEPTED,
            Status.OFFERED,
            Status.PENDING,
            Status.DECLINED,
            Status.WITHDRAWN,
        },
        Status.WAITLISTED: {
            Status.OFFERED,
            Status.ACCEPTED,
            Status.DECLINED,
            Status.WITHDRAWN,
            Status.EXPIRED,
        },
        Status.ACCEPTED: set(),
        Status.DECLINED: set(),
        Status.WITHDRAWN: set(),
        Status.EXPIRED: set(),
    }

    OPEN = (Status.UNVERIFIED, Status.PENDING, Status.OFFERED, Status.WAITLISTED)

    class AsksFor(models.TextChoices):
        TIME = "time", "an exact time"
        PERIODS = "periods", "days that suit"
        WAITLIST = "waitlist", "the waiting list"
        CALL = "call", "a phone call"

    class Need(models.TextChoices):
        DIM_ROOM = "dim_room", "A dim room"
        QUIET_WAIT = "quiet_wait", "A quiet place to wait"
        NO_PERFUME = "no_perfume", "No perfume near me"
        STEP_FREE = "step_free", "A way in without steps"
        INTERPRETER = "interpreter", "An interpreter"
        COMPANION = "companion", "Room for someone who comes with me"

    class Via(models.TextChoices):
        WEB = "web", "website"
        PHONE = "phone", "phone"

    class ContactBy(models.TextChoices):
        EMAIL = "email", "Email"
        PHONE = "phone", "Phone call"

    class DeclineReason(models.TextChoices):
        NO_TIME = "no_time", "No time could be found"
        NOT_OFFERED = "not_offered", "We do not offer this"
        OTHER_CARE = "other_care", "Other care fits better; we will phone"
        DUPLICATE = "duplicate", "Asked for twice"

    reference = models.CharField(max_length=9, unique=True, editable=False)
    submission = models.UUIDField(unique=True, editable=False)
    status = models.CharField(max_length=12, choices=Status, default=Status.UNVERIFIED, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    address_since = models.PositiveIntegerField(
        default=1,
        db_default=1,
        editable=False,
        help_text="The version from which on the email address is this one: older links went elsewhere.",
    )
    reason = models.CharField(max_length=12, choices=DeclineReason, blank=True, editable=False)
    created_via = models.CharField(max_length=5, choices=Via, default=Via.WEB)
    created_at = models.DateTimeField()
    verified_at = models.DateTimeField(
        null=True, editable=False, help_text="When the patient showed that the address is theirs."
    )
    is_suspect = models.BooleanField("may be a robot", default=False, editable=False)
    reply_until = models.DateTimeField(help_text="The clinic has promised an answer by then.")
    expires_at = models.DateTimeField(
        null=True, editable=False, help_text="When an open request ends without an answer."
    )

    asks_for = models.CharField(max_length=8, choices=AsksFor, default=AsksFor.TIME)
    visit_type = models.ForeignKey(
        VisitType, models.PROTECT, null=True, help_text="Empty: to be found out on the phone."
    )
    location = models.ForeignKey(Location, models.PROTECT, help_text="Whose staff answer.")
    asked_visit_type = models.ForeignKey(
        VisitType,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        help_text="What was asked for, where staff have offered something else since.",
    )
    asked_location = models.ForeignKey(
        Location, models.PROTECT, null=True, related_name="+", editable=False, help_text="Likewise."
    )
    wanted_at = models.DateTimeField("asked for", null=True, help_text="The start the patient chose.")

    patient_name = models.CharField("patient", max_length=120)
    asked_by = models.CharField(
        max_length=120, blank=True, help_text="Who asks, where it is not the patient."
    )
    email = models.EmailField("email", max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    person = models.CharField(
        max_length=260,
        default="",
        editable=False,
        help_text="Address or number in one spelling, to know a person again.",
    )
    # A code for where an open request was sent from (shield.network): what is held is shared out by it.
    network = models.CharField(max_length=64, default="", db_default="", editable=False)
    contact_by = models.CharField(max_length=5, choices=ContactBy)
    may_leave_message = models.BooleanField(
        default=False, help_text="Whether we may speak on a machine or to whoever answers."
    )
    needs = ArrayField(models.CharField(max_length=12, choices=Need), default=list, blank=True)
    language = models.CharField(max_length=60, blank=True, help_text="For the interpreter.")
    note = models.CharField(max_length=200, blank=True, help_text="What else we should prepare.")
    pays_self = models.BooleanField(
        "pays without insurance", null=True, editable=False, help_text="Empty: not known yet."
    )
    estimate_due_on = models.DateField(
        null=True, editable=False, help_text="The last day for the written estimate that is still owed."
    )
    erased_at = models.DateTimeField(
        null=True, editable=False, help_text="Since when nothing here tells who the patient is."
    )

    # What staff find a request by; Postgres writes both.
    names = models.GeneratedField(
        expression=plain_text(
            Concat(
                "patient_name",
                Value(" "),
                "asked_by",
                Value(" "),
                "email",
                output_field=models.TextField(),
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )
    digits = models.GeneratedField(
        expression=without("[^0-9]", F("phone")), output_field=models.TextField(), db_persist=True
    )

    class Meta:
        ordering = ["reply_until", "pk"]
        permissions = [
            ("decide_request", "Can accept and decline requests"),
            ("mark_visit", "Can say what came of a visit"),
            ("override_hours", "Can book outside opening hours and notice"),
            ("export_requests", "Can export requests"),
            ("view_reports", "Can view reports"),
            ("erase_requests", "Can erase requests"),
        ]
        indexes = [
            models.Index(fields=["status", "reply_until"], name="request_worklist"),
            # All requests, those of one status, and the columns that all are sorted by.
            models.Index(fields=["created_at", "id"], name="request_created"),
            models.Index(fields=["status", "created_at", "id"], name="request_status"),
            models.Index(fields=["patient_name", "id"], name="request_patient"),
            models.Index(fields=["reply_until", "id"], name="request_reply_until"),
            models.Index(fields=["id"], include=["location"], name="request_place"),  # for reports
            models.Index(
                fields=["id", "estimate_due_on"],
                name="request_estimate",
                condition=Q(estimate_due_on__isnull=False),
            ),
            models.Index(fields=["person"], name="request_person"),
            GinIndex(fields=["names"], name="request_names", opclasses=["gin_trgm_ops"]),
            GinIndex(fields=["digits"], name="request_digits", opclasses=["gin_trgm_ops"]),
            models.Index(fields=["wanted_at"], name="request_wanted_at"),
            models.Index(fields=["expires_at"], name="request_expiry", condition=Q(expires_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(email="") | ~Q(phone="") | Q(erased_at__isnull=False),
                name="a_request_can_be_answered",
                violation_error_message="Give an email address or a phone number.",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(**ERASED),
                name="an_erased_request_names_nobody",
            ),
            models.CheckConstraint(
                condition=Q(status="declined", reason__gt="") | (~Q(status="declined") & Q(reason="")),
                name="only_a_declined_request_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(asks_for="time", wanted_at__isnull=False)
                | (~Q(asks_for="time") & Q(wanted_at__isnull=True)),
                name="who_asks_for_a_time_names_it",
            ),
            models.CheckConstraint(
                condition=Q(visit_type__isnull=False) | Q(asks_for="call"),
                name="only_a_call_leaves_the_visit_type_open",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["unverified", "pending", "offered", "waitlisted"], expires_at__isnull=False
                )
                | Q(status__in=["accepted", "declined", "withdrawn", "expired"], expires_at__isnull=True),
                name="an_open_request_expires",
            ),
        ]

    def __str__(self):
        return self.reference

    @property
    def appointment(self) -> "Appointment | None":
        """The visit or hold, also one that was canceled; None where there is none or the hold was let go."""
        given = [one for one in self.appointments.all() if not one.was_let_go]
        return max(given, key=lambda one: one.pk, default=None)


class Appointment(models.Model):
    """A claimed period in one schedule, for one request."""

    class Status(models.TextChoices):  # FHIR R4's codes
        PENDING = "pending", "held"
        BOOKED = "booked", "booked"
        ARRIVED = "arrived", "arrived"
        FULFILLED = "fulfilled", "took place"
        CANCELLED = "cancelled", "cancelled"
        NOSHOW = "noshow", "did not come"
        ENTERED_IN_ERROR = "entered-in-error", "entered in error"

    NEXT = {
        Status.PENDING: {Status.BOOKED, Status.CANCELLED},
        Status.BOOKED: {
            Status.ARRIVED,
            Status.FULFILLED,
            Status.NOSHOW,
            Status.CANCELLED,
            Status.ENTERED_IN_ERROR,
        },
        Status.ARRIVED: {Status.FULFILLED, Status.CANCELLED, Status.ENTERED_IN_ERROR},
        Status.FULFILLED: {Status.ENTERED_IN_ERROR},
        Status.CANCELLED: {Status.ENTERED_IN_ERROR},
        Status.NOSHOW: {Status.BOOKED, Status.ENTERED_IN_ERROR},
        Status.ENTERED_IN_ERROR: set(),
    }
    OCCUPYING = (Status.PENDING, Status.BOOKED, Status.ARRIVED)

    class CancelReason(models.TextChoices):
        PATIENT = "patient", "The patient cannot come"
        STAFF_ILL = "staff_ill", "Somebody here is ill"
        CLOSED = "closed", "We have to close"
        EQUIPMENT = "equipment", "Something does not work"
        OTHER = "other", "Something else"

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="appointments")
    schedule = models.ForeignKey(Schedule, models.PROTECT, related_name="appointments")
    period = DateTimeRangeField(help_text="What the patient sees: from the start to the end.")
    occupied = DateTimeRangeField(help_text="The period with the time before and after it.")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING, editable=False)
    held_until = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=10, choices=CancelReason, blank=True, editable=False)
    uid = models.UUIDField(
        default=uuid.uuid4, unique=True, editable=False
    )  # iCalendar's UID, RFC 5545 3.8.4.7
    sequence = models.PositiveIntegerField(default=0, editable=False)  # RFC 5545 3.8.7.4

    class Meta:
        ordering = ["period"]
        constraints = [
            ExclusionConstraint(
                name="no_schedule_is_occupied_twice",
                expressions=[("schedule", RangeOperators.EQUAL), ("occupied", RangeOperators.OVERLAPS)],
                condition=Q(status__in=["pending", "booked", "arrived"]),
                violation_error_message="That time was just taken.",
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(status__in=["pending", "booked", "arrived"]),
                name="a_request_holds_one_time",
                violation_error_message="This request already has a time.",
            ),
            models.CheckConstraint(
                condition=~Q(status="pending") | Q(held_until__isnull=False),
                name="a_hold_ends",
            ),
            models.CheckConstraint(
                condition=Q(
                    period__isempty=False,
                    period__lower_inf=False,
                    period__upper_inf=False,
                    period__lower_inc=True,
                    period__upper_inc=False,
                ),
                name="an_appointment_starts_and_then_ends",
            ),
            models.CheckConstraint(
                condition=Q(
                    occupied__contains=F("period"), occupied__lower_inf=False, occupied__upper_inf=False
                ),
                name="an_appointment_lies_in_the_time_it_occupies",
            ),
            models.CheckConstraint(
                condition=Q(cancel_reason="") | Q(status__in=["cancelled", "entered-in-error"]),
                name="only_a_cancelled_appointment_has_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["held_until"], name="appointment_hold", condition=Q(status="pending")),
            models.Index(F("period__startswith"), name="appointment_start"),
            GistIndex(fields=["occupied"], name="appointment_occupied"),
            models.Index(
                F("period__endswith"),
                name="appointment_unresolved",
                condition=Q(status__in=["booked", "arrived"]),
            ),
        ]

    def __str__(self):
        return f"Appointment of {self.request}"

    @property
    def was_let_go(self) -> bool:
        """Whether this was a hold that never became a visit: a visit is cancelled for a reason."""
        return self.status == self.Status.CANCELLED and not self.cancel_reason

    @property
    def starts_at(self):
        return self.period.lower

    @property
    def ends_at(self):
        return self.period.upper
