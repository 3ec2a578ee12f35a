from bookings.models.account import AccountEvent, StaffSession
from bookings.models.booking import Appointment, AppointmentRequest
from bookings.models.clinic import Closure, Location, OpeningHours, Schedule, VisitType
from bookings.models.days import ChangedDay, CountedDay, CountedWeek
from bookings.models.estimate import Estimate
from bookings.models.history import Event, Message, Note
from bookings.models.period import RequestedPeriod
from bookings.models.shield import Tally
from bookings.models.trail import Change, Viewing

__all__ = [
    "AccountEvent",
    "Appointment",
    "AppointmentRequest",
    "Change",
    "ChangedDay",
    "Closure",
    "CountedDay",
    "CountedWeek",
    "Estimate",
    "Event",
    "Location",
    "Message",
    "Note",
    "OpeningHours",
    "RequestedPeriod",
    "Schedule",
    "StaffSession",
    "Tally",
    "Viewing",
    "VisitType",
]
