"""Two members of staff on one request at the same second, each with the page of before."""

import pytest
from django.test import Client

from bookings.models import Event
from tests import make
from tests.bookings.test_races import at_once
from tests.bookings.test_worklist_request import url

pytestmark = pytest.mark.usefixtures("real_commits")


def test_two_who_decide_at_once_from_the_same_page_make_one_change():
    room = make.schedule()
    for number in range(3):
        start = make.TUESDAY_9.replace(hour=14 + number)
        asked = make.accepted(room, starts_at=start, email=f"p{number}@x.org")
        first, second = Client(), Client()
        first.force_login(make.staff(f"kim{number}"))
        second.force_login(make.staff(f"sam{number}"))
        seen = {"_seen": asked.version}

        pages = at_once(
            lambda: first.post(url(asked, "cancel"), {**seen, "reason": "closed"}, follow=True),  # noqa: B023
            lambda: second.post(url(asked, "error"), seen, follow=True),  # noqa: B023
        )

        told = sorted('<li class="error">' in page.content.decode() for page in pages)
        last = Event.objects.filter(request=asked).exclude(verb__in=["submit", "verify", "accept"])
        assert (told, last.count()) == ([False, True], 1)
