"""What patients ask for and what the clinic answers.

The statuses are written by bookings.lifecycle alone.
"""

import uuid

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from bookings.models.clinic import Location, Schedule, VisitType


class AppointmentRequest(models.Model):
    """What a patient asks; decided by staff once."""

    class Status(models.TextChoices):
        UNVERIFIED = "unverified", "e-mail not yet confirmed"
        PENDING = "pending", "needs reply"
        OFFERED = "offered", "another time offered"
        WAITLISTED = "waitlisted", "on the waiting list"
        ACCEPTED = "accepted", "accepted"
        DECLINED = "declined", "declined"
        WITHDRAWN = "withdrawn", "withdrawn by the patient"
        EXPIRED = "expired", "expired without an answer"

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
        Status.OFFERED: {Status.ACCEPTED, Status.PENDING, Status.WITHDRAWN},
        Status.WAITLISTED: {Status.OFFERED, Status.WITHDRAWN},
        Status.ACCEPTED: set(),
        Status.DECLINED: set(),
        Status.WITHDRAWN: set(),
        Status.EXPIRED: set(),
    }

    class Via(models.TextChoices):
        WEB = "web", "website"
        PHONE = "phone", "phone"

    class ContactBy(models.TextChoices):
        EMAIL = "email", "E-mail"
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
    reason = models.CharField(max_length=12, choices=DeclineReason, blank=True, editable=False)
    created_via = models.CharField(max_length=5, choices=Via, default=Via.WEB)
    created_at = models.DateTimeField()
    reply_until = models.DateTimeField(help_text="The clinic has promised an answer by then.")

    visit_type = models.ForeignKey(VisitType, models.PROTECT)
    location = models.ForeignKey(Location, models.PROTECT)
    wanted_at = models.DateTimeField("asked for", help_text="The start the patient chose.")

    patient_name = models.CharField("patient", max_length=120)
    asked_by = models.CharField(
        max_length=120, blank=True, help_text="Who asks, where it is not the patient."
    )
    email = models.EmailField("e-mail", max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    contact_by = models.CharField(max_length=5, choices=ContactBy)

    class Meta:
        ordering = ["reply_until", "pk"]
        permissions = [("decide_request", "Can accept and decline requests")]
        indexes = [models.Index(fields=["status", "reply_until"], name="request_worklist")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(email="") | ~Q(phone=""),
                name="a_request_can_be_answered",
                violation_error_message="Give an e-mail address or a phone number.",
            ),
            models.CheckConstraint(
                condition=Q(status="declined", reason__gt="") | (~Q(status="declined") & Q(reason="")),
                name="only_a_declined_request_has_a_reason",
            ),
        ]

    def __str__(self):
        return self.reference


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
        Status.PENDING: {Status.BOOKED, Status.CANCELLED, Status.ENTERED_IN_ERROR},
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

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="appointments")
    schedule = models.ForeignKey(Schedule, models.PROTECT, related_name="appointments")
    period = DateTimeRangeField(help_text="What the patient sees: from the start to the end.")
    occupied = DateTimeRangeField(help_text="The period with the time before and after it.")
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING, editable=False)
    held_until = models.DateTimeField(null=True, blank=True)
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
                violation_error_message="That time has just gone.",
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
        ]

    def __str__(self):
        return f"Appointment of {self.request}"

    @property
    def starts_at(self):
        return self.period.lower

    @property
    def ends_at(self):
        return self.period.upper


class Event(models.Model):
    """Who changed which status, when: codes and ids only, nothing about a person's health or name."""

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="events")
    verb = models.CharField(max_length=20)
    from_status = models.CharField(max_length=12, blank=True)
    to_status = models.CharField(max_length=12)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: the patient.",
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self):
        return f"{self.request}: {self.verb}"


class Message(models.Model):
    """One e-mail owed, sent or failed."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "we have your request"
        ACCEPTED = "accepted", "your appointment"
        DECLINED = "declined", "we cannot offer this"

    class Status(models.TextChoices):
        QUEUED = "queued", "waiting to be sent"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "not delivered: phone the patient"
        SUPPRESSED = "suppressed", "not sent: no longer true"

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=12, choices=Kind)
    version = models.PositiveIntegerField(help_text="The version of the request that it speaks of.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, editable=False)
    message_id = models.CharField(max_length=120, unique=True, editable=False)  # RFC 5322 3.6.4
    due_at = models.DateTimeField(db_index=True)
    claimed_at = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(max_length=60, blank=True, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["request", "kind", "version"], name="each_message_once"),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(claimed_at__isnull=False), name="a_claim_has_a_time"
            ),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False)
                | (~Q(status="sent") & Q(sent_at__isnull=True)),
                name="a_sent_message_has_a_time",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} ({self.get_status_display()})"
