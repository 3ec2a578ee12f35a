"""What happened to a request and what the patient was told."""

from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q

from bookings.models.booking import AppointmentRequest
from bookings.models.clinic import Schedule


class Event(models.Model):
    """Who changed which status, when: codes and ids only, nothing about a person's health or name."""

    BY_THE_CLOCK = {"expire", "lapse", "erase"}

    class Override(models.TextChoices):
        """Why staff took a time that the rules would not give."""

        AGREED = "agreed", "Agreed with the patient"
        CLINICIAN = "clinician", "A clinician asked for it"
        FOLLOW_UP = "follow_up", "It follows on from another visit"
        OWN_FAULT = "own_fault", "To put right a mistake of ours"

    class Call(models.TextChoices):
        """How a phone call ended."""

        REACHED = "reached", "We spoke"
        MESSAGE = "message", "A message to call back was left"
        NO_ANSWER = "no_answer", "Nobody answered"

    class Hold(models.TextChoices):
        """Whether the time that a new request asks for is held; nothing is said where it is."""

        NONE = "not_held", "This time was not held"

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="events")
    verb = models.CharField(max_length=20)
    from_status = models.CharField(max_length=16, blank=True)
    to_status = models.CharField(max_length=16)
    starts_at = models.DateTimeField(null=True, help_text="When the visit starts, as this change left it.")
    reason = models.CharField(
        max_length=12, blank=True, help_text="A code: why a rule was set aside, or how a call ended."
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: the patient, or the clock.",
    )
    at = models.DateTimeField()
    freed = DateTimeRangeField(null=True, help_text="What a visit occupied before it was moved.")
    freed_in = models.ForeignKey(
        Schedule,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The schedule in which it did.",
    )

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            # The first answer of the clinic, and what was never confirmed, phoned or cancelled.
            models.Index(
                fields=["request", "at"],
                name="event_reply",
                condition=Q(verb__in=["accept", "offer", "decline", "waitlist"], by__isnull=False),
            ),
            models.Index(
                fields=["request"],
                name="event_unconfirmed",
                condition=Q(verb="expire", from_status="unverified"),
            ),
            models.Index(fields=["request", "at"], name="event_phone", condition=Q(verb="phone")),
            models.Index(fields=["starts_at"], name="event_cancel", condition=Q(verb="cancel")),
            models.Index(F("freed__startswith"), name="event_freed", condition=Q(freed__isnull=False)),
        ]

    def __str__(self):
        return f"{self.request}: {self.verb}"

    @property
    def who(self) -> str:
        """A member of staff by name, “the patient” or “the clock”."""
        if self.by:
            return self.by.get_username()
        return "the clock" if self.verb in self.BY_THE_CLOCK else "the patient"


class Note(models.Model):
    """What staff want each other to know of a request. A trigger refuses every change.

    It goes when its request is erased, and not before: another trigger.
    """

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="notes")
    text = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self):
        return f"{self.request}: note of {self.by}"


class Message(models.Model):
    """One email owed, sent or failed."""

    class Kind(models.TextChoices):
        VERIFY = "verify", "confirm your email address"
        RECEIVED = "received", "we have your request"
        ACCEPTED = "accepted", "your appointment"
        OFFERED = "offered", "another time for you"
        DECLINED = "declined", "we cannot offer this"
        WAITLISTED = "waitlisted", "you are on the waiting list"
        CANCELLED = "cancelled", "your appointment is cancelled"
        RESCHEDULED = "rescheduled", "your appointment has moved"
        REMINDER_2 = "reminder_2", "your appointment in two days"
        REMINDER_1 = "reminder_1", "your appointment tomorrow"
        EXPIRED = "expired", "we did not answer in time"
        LINK = "link", "a new link to your request"
        ESTIMATE = "estimate", "your written estimate"
        STAFF_NEW = "staff_new", "to the clinic: a new request"
        STAFF_OVERDUE = "staff_overdue", "to the clinic: an answer is due"
        STAFF_FAILED = "staff_failed", "to the clinic: a message was not delivered"

    TO_STAFF = (Kind.STAFF_NEW, Kind.STAFF_OVERDUE, Kind.STAFF_FAILED)

    class Status(models.TextChoices):
        QUEUED = "queued", "waiting to be sent"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "not delivered: phone the patient"
        SUPPRESSED = "suppressed", "not sent: no longer true"

    request = models.ForeignKey(AppointmentRequest, models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=14, choices=Kind)
    version = models.PositiveIntegerField(help_text="The version of the request that it speaks of.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, editable=False)
    message_id = models.CharField(max_length=120, unique=True, editable=False)  # RFC 5322 3.6.4
    due_at = models.DateTimeField(db_index=True)
    claimed_at = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(
        null=True, editable=False, help_text="When it last left; it stays while it is to be sent again."
    )
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(
        max_length=60, blank=True, editable=False, help_text="Why it was not sent: codes, no names."
    )

    class Meta:
        ordering = ["pk"]
        indexes = [
            # All that “which of them are a problem still?” asks of a row, so that thousands are no work.
            models.Index(
                fields=["request"],
                include=["id", "kind", "due_at"],
                name="message_undelivered",
                condition=Q(status="failed"),
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["request", "kind", "version"], name="each_message_once"),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(claimed_at__isnull=False), name="a_claim_has_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(sent_at__isnull=False), name="a_sent_message_has_a_time"
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} ({self.get_status_display()})"
