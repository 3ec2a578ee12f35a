"""The verbs of booking. The only writer of the status of a request or an appointment.

Each verb is one transaction: lock (request, then schedules, then appointments), check the table of
transitions, write, record the event, owe the message.
"""

from bookings.lifecycle.claims import Choice, lock_all_schedules
from bookings.lifecycle.contact import correct_contact, may_correct_contact
from bookings.lifecycle.erasure import erase, may_be_erased, purge
from bookings.lifecycle.estimates import give_estimate, open_estimate, record_payment
from bookings.lifecycle.remarks import mark_phoned, note
from bookings.lifecycle.requests import (
    accept,
    accept_offer,
    choose_time,
    decline,
    offer,
    refuse_offer,
    submit,
    verify,
    waitlist,
    withdraw,
)
from bookings.lifecycle.sweep import sweep
from bookings.lifecycle.transitions import BUSY, Busy, Refused, TimeGone, unchanged_since, unless_busy
from bookings.lifecycle.visits import (
    arrive,
    cancel,
    enter_in_error,
    fulfil,
    mark_noshow,
    may_be_changed_until,
    reschedule,
    undo_noshow,
)

__all__ = [
    "BUSY",
    "Busy",
    "Choice",
    "Refused",
    "TimeGone",
    "accept",
    "accept_offer",
    "arrive",
    "cancel",
    "choose_time",
    "correct_contact",
    "decline",
    "enter_in_error",
    "erase",
    "fulfil",
    "give_estimate",
    "lock_all_schedules",
    "mark_noshow",
    "mark_phoned",
    "may_be_changed_until",
    "may_be_erased",
    "may_correct_contact",
    "note",
    "offer",
    "open_estimate",
    "purge",
    "record_payment",
    "refuse_offer",
    "reschedule",
    "submit",
    "sweep",
    "unchanged_since",
    "undo_noshow",
    "unless_busy",
    "verify",
    "waitlist",
    "withdraw",
]
