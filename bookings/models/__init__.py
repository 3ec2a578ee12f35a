from bookings.models.booking import Appointment, AppointmentRequest, Event, Message
from bookings.models.clinic import Closure, Location, OpeningHours, Schedule, VisitType

__all__ = [
    "Appointment",
    "AppointmentRequest",
    "Closure",
    "Event",
    "Location",
    "Message",
    "OpeningHours",
    "Schedule",
    "VisitType",
]
