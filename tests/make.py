"""Valid objects with plain defaults. States are reached through the real verbs."""

import uuid
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth import get_user_model
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from bookings import lifecycle
from bookings.models import Location, OpeningHours, RequestedPeriod, Schedule, StaffSession, VisitType

# A Monday at noon in New York; the clinic of the tests is open from 9 to 5 on weekdays.
NOW = datetime(2027, 3, 8, 17, tzinfo=UTC)
TUESDAY_9 = datetime(2027, 3, 9, 14, tzinfo=UTC)
WEDNESDAY_9 = datetime(2027, 3, 10, 14, tzinfo=UTC)


def visit_type(**fields):
    fields = {"name": "Consultation", "slug": uuid.uuid4().hex, "minutes": 60, "step_minutes": 60, **fields}
    return VisitType.objects.create(notice_hours=fields.pop("notice_hours", 1), summary="A talk.", **fields)


def location(*, hours=(time(9), time(17)), weekdays=range(5), **fields):
    fields = {"name": "Arlington", "slug": uuid.uuid4().hex, "phone": "(703) 555-0142", **fields}
    address = {"street": "1 Example Street", "city": "Arlington", "state": "VA", "postal_code": "22201"}
    place = Location.objects.create(**{**({} if "video_states" in fields else address), **fields})
    OpeningHours.objects.bulk_create(
        OpeningHours(location=place, weekday=weekday, opens=hours[0], closes=hours[1]) for weekday in weekdays
    )
    return place


def schedule(place=None, visit=None, name="Room"):
    """A schedule that takes one visit type; both are made where none is given."""
    made = Schedule.objects.create(location=place or location(), name=name)
    made.visit_types.add(visit or visit_type())
    return made


def asking(room, **fields):
    """What `lifecycle.submit` is told for a visit in this schedule."""
    return {
        "submission": uuid.uuid4(),
        "visit_type": room.visit_types.get(),
        "location": room.location,
        "starts_at": WEDNESDAY_9,
        "patient_name": "Nguyễn Thị Ánh",
        "contact_by": "email",
        "email": "anh@example.com",
        "now": NOW,
        **fields,
    }


def submitted(room=None, **fields):
    """A request as the website takes it; with an email address it waits to be confirmed."""
    return lifecycle.submit(**asking(room or schedule(), **fields))


def confirmed(room=None, **fields):
    """A request that waits for the clinic's answer: its address was confirmed at once."""
    asked = submitted(room, **fields)
    return lifecycle.verify(asked, now=asked.created_at)


def accepted(room=None, **fields):
    """A request with a booked appointment."""
    asked = confirmed(room, **fields)
    lifecycle.accept(asked, by=staff("kim" + uuid.uuid4().hex[:6]), now=asked.created_at)
    asked.refresh_from_db()
    return asked


def waitlisted(room=None, *, first=date(2027, 3, 10), last=date(2027, 3, 12), part="any", **fields):
    """A request on the waiting list, for these days."""
    period = RequestedPeriod(first_day=first, last_day=last, part_of_day=part)
    asked = confirmed(room, asks_for="waitlist", starts_at=None, periods=[period], **fields)
    lifecycle.waitlist(asked, by=staff("lee" + uuid.uuid4().hex[:6]), now=asked.created_at)
    return asked


def staff(name="robin", **fields):
    """Somebody who may do everything in the admin."""
    return get_user_model().objects.create_superuser(name, password="a long password", **fields)


def app_of(user):
    """The authenticator app of somebody who has set one up."""
    return TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=True)


def sign_in(client, user, *, device=None):
    """Sign somebody in with their password and, where a device is named, as if its code were given too."""
    client.post("/staff/login/", {"username": user.username, "password": "a long password"})
    if device:
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()


def stay_signed_in(*, now):
    """As if everybody had used their session just now: for a test that puts the clock forward."""
    StaffSession.objects.update(began_at=now, used_at=now)


def later(**delta):
    return NOW + timedelta(**delta)
