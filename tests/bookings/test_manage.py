"""The patient's own page. What is done there: test_manage_acts.py."""

import io
import logging
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings import availability, lifecycle, links, outbox
from bookings.models import AppointmentRequest
from tests import make

pytestmark = pytest.mark.django_db

CONTACT = {"email": "new@example.com", "phone": "", "contact_by": "email"}
ACTS = ["send-again", "accept", "refuse", "time", "contact", "withdraw", "cancel"]


@pytest.fixture
def robin():
    return make.staff()


def free(room, *, days=3, now=None):
    """The first free start so many days from now, as an aware instant."""
    now = now or timezone.now()
    visit, place = room.visit_types.get(), room.location
    first = place.local(now).date() + timedelta(days=days)
    return availability.free_slots(visit, place, first, 2, now=now)[0].starts_at


def asking(room, *, ago=timedelta(0), make_it=make.submitted, days=3, **fields):
    """A request for a free time, made so long ago."""
    now = timezone.now() - ago
    return make_it(room, starts_at=free(room, days=days, now=now), now=now, **fields)


def offered(room, robin, **fields):
    asked = asking(room, make_it=make.confirmed, **fields)
    choice = lifecycle.Choice(asked.visit_type, asked.location, free(room, days=5))
    return lifecycle.offer(asked, choice, by=robin, now=timezone.now())


def path(asked, act=None, purpose="manage_request"):
    asked.refresh_from_db()
    token = links.token(asked, purpose, now=timezone.now())
    return reverse("request_act", args=[token, act]) if act else reverse(purpose, args=[token])


def text(response):
    """What a reader sees in the main part of the page, in one line."""
    main = re.search("<main.*</main>", response.content.decode(), re.DOTALL)[0]
    return " ".join(re.sub("<[^>]*>", " ", main).split())


def leads_to_the_page(response, asked):
    """Whether a response redirects to the patient's page of this request, by a link that is alive."""
    token = re.fullmatch("/manage/([^/]*)/", response.headers["Location"])[1]
    link = links.read(token, "manage_request", now=timezone.now())
    return response.status_code == 302 and link.request == asked and link.is_current


def status(asked):
    return AppointmentRequest.objects.get(pk=asked.pk).status


def record(asked):
    """All that a robot must not change."""
    asked.refresh_from_db()
    visits = asked.appointments.values_list("pk", "status", "period", "held_until").order_by("pk")
    return asked.version, asked.status, list(visits), asked.events.count(), asked.messages.count()


def states(room, robin):
    """A request in each state that the page can be in, by the state's name, and some that read otherwise."""
    now, past = timezone.now(), timedelta(days=9)
    made = {name: asking(room, days=2 + number) for number, name in enumerate(["unverified", "withdrawn"])}
    lifecycle.withdraw(made["withdrawn"], now=now)
    for number, name in enumerate(["pending", "waitlisted", "declined", "gone"]):
        made[name] = asking(room, make_it=make.confirmed, days=5 + number, email=f"{name}@example.com")
    lifecycle.waitlist(made["waitlisted"], by=robin, now=timezone.now())
    lifecycle.decline(made["declined"], by=robin, reason="no_time", now=timezone.now())
    made["gone"].appointments.update(held_until=now)
    by_phone = {"contact_by": "phone", "phone": "(703) 555-0142"}
    made["by phone"] = asking(room, ago=timedelta(hours=1), days=10, email="", **by_phone)
    made["expired"] = asking(room, ago=past, days=12, email="late@example.com")
    lifecycle.sweep(now=now)
    made["offered"] = offered(room, robin, days=20, email="offered@example.com")
    for number, name in enumerate(["booked", "cancelled", "entered-in-error"]):
        made[name] = asking(room, make_it=make.accepted, days=30 + number, email=f"{name}@example.com")
    lifecycle.cancel(made["cancelled"], now=now, by=robin, reason="staff_ill")
    lifecycle.enter_in_error(made["entered-in-error"], by=robin, now=now)
    for number, (name, verb) in enumerate(
        [("arrived", "arrive"), ("fulfilled", "fulfil"), ("noshow", "mark_noshow"), ("over", None)]
    ):
        made[name] = asking(
            room, ago=past, make_it=make.accepted, days=2 + number, email=f"{name}@example.com"
        )
        if verb:
            getattr(lifecycle, verb)(made[name], by=robin, now=now)
    return made


SAYS = {
    "unverified": "We can't answer your request until you do.",
    "pending": "We are holding this time for you until we answer",
    "gone": "We are not holding that time for you now.",
    "by phone": "We are not holding that time for you now. We'll find one with you.",
    "waitlisted": "You are on our waiting list",
    "declined": "We could not give you this appointment",
    "withdrawn": "This request is canceled",
    "expired": "The email address was not confirmed in time.",
    "offered": "Can you come at this time instead?",
    "booked": "Your visit is booked",
    "over": "It was planned for",
    "cancelled": "We had to cancel it. We are sorry.",
    "entered-in-error": "Nothing is booked for you here.",
    "arrived": "You're checked in",
    "fulfilled": "Your visit is over",
    "noshow": "We did not see you",
}
MAY = {
    "unverified": {"send-again", "contact", "withdraw"},
    "pending": {"time", "contact", "withdraw"},
    "gone": {"time", "contact", "withdraw"},
    "by phone": {"contact", "withdraw"},
    "offered": {"accept", "refuse", "contact", "withdraw"},
    "waitlisted": {"contact", "withdraw"},
    "booked": {"time", "contact", "cancel"},
}


def test_each_state_is_said_in_plain_words_and_allows_only_what_it_offers(client, room, robin):
    """Also a crafted form is refused with a sentence, and changes nothing."""
    posted = {**CONTACT, "start": free(room, days=3).isoformat()}
    for name, asked in states(room, robin).items():
        page, before = client.get(path(asked)), record(asked)
        assert (page.status_code, SAYS[name] in text(page)) == (200, True), name
        assert "<title>Your request – Example Clinic</title>" in page.content.decode()
        assert asked.reference in text(page) and "(703) 555-0142" in text(page), name
        offers = set(re.findall("/manage/[^/]*/([a-z-]+)/", page.content.decode()))
        assert offers == MAY.get(name, set()), name
        for act in set(ACTS) - offers:
            refused = client.post(f"{page.request['PATH_INFO']}{act}/", posted)
            assert refused.status_code == 409, (name, act)
            assert "That cannot be done now. Nothing was changed." in text(refused), (name, act)
        assert record(asked) == before, name


def test_looking_changes_nothing(client, room, robin):
    """Booking case M1: robots open links, and prefetch and probe them, before people do."""
    for asked in [asking(room), asking(room, make_it=make.accepted, days=9), offered(room, robin, days=7)]:
        token = links.token(asked, "manage_request", now=timezone.now())
        addresses = [path(asked), path(asked, purpose="confirm_request"), *[path(asked, act) for act in ACTS]]
        addresses += [reverse(name, args=[token]) for name in ("new_link", "request_calendar")]
        before = record(asked)
        for address in addresses:
            looks = [client.get(address, headers={"purpose": "prefetch"})]
            if asked.status == "offered":
                looks += [client.head(address), client.options(address)]
            assert [look.status_code for look in looks if look.status_code >= 500] == [], address
            assert ["sessionid" in look.cookies for look in looks] == [False] * len(looks), address
        assert record(asked) == before


def test_no_page_of_a_patient_is_kept_or_found_or_leads_away(client, room, robin):
    asked = offered(room, robin)
    used = path(asked, purpose="confirm_request")
    addresses = [path(asked), path(asked, "contact"), path(asked, "withdraw"), used]
    lifecycle.refuse_offer(asked, now=timezone.now())

    for address in [*addresses, path(asked), path(asked, "time"), "/manage/nonsense/", reverse("link_sent")]:
        page = client.get(address)
        assert set(page.headers["Cache-Control"].split(", ")) == {"private", "no-store"}
        # Not no-referrer: the browser would send "Origin: null" with a form, and no form could be sent.
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert '<meta name="robots" content="noindex">' in page.content.decode()
        assert [
            url for url in re.findall('href="(https?://[^"]*)', page.content.decode()) if "127" not in url
        ] == []


def test_a_confirmed_request_is_shown_behind_a_fresh_link(client, room):
    asked = asking(room)
    link = path(asked, purpose="confirm_request")
    assert "We are holding the time you chose until" in text(client.get(link))

    response = client.post(link)

    assert leads_to_the_page(response, asked)
    assert status(asked) == "pending"
    page = text(client.get(response.headers["Location"]))
    assert "Your email address is confirmed." in page and "We are holding this time for you" in page


def test_confirming_twice_or_on_two_devices_leads_to_the_same_page(client, room):
    asked = asking(room)
    link = path(asked, purpose="confirm_request")

    first, second = client.post(link), client.post(link)

    assert leads_to_the_page(first, asked) and leads_to_the_page(second, asked)
    assert asked.events.filter(verb="verify").count() == 1


def test_a_used_link_to_confirm_says_so_and_opens_nothing(client, room, robin):
    now = timezone.now()
    used, by_phone = asking(room), asking(room, days=6, email="b@example.com")
    addresses = [path(asked, purpose="confirm_request") for asked in (used, by_phone)]
    lifecycle.verify(used, now=now)
    used.events.update(at=now - timedelta(minutes=11))
    lifecycle.verify(by_phone, now=timezone.now(), by=robin)

    for asked, address in zip([used, by_phone], addresses, strict=True):
        before = record(asked)
        for page in [client.get(address), client.post(address)]:
            assert page.status_code == 410
            assert "You have confirmed your address already" in text(page)
            assert asked.reference not in page.content.decode()
        assert record(asked) == before


def test_after_20_minutes_the_time_is_held_again_or_has_gone_and_another_can_be_chosen(client, room):
    late = timedelta(minutes=25)
    asked, unlucky = asking(room, ago=late), asking(room, ago=late, days=6, email="b@example.com")
    lifecycle.sweep(now=timezone.now())
    asking(room, days=6, email="c@example.com")
    assert "We are not holding the time you chose." in text(
        client.get(path(asked, purpose="confirm_request"))
    )

    pages = [
        client.post(path(late_one, purpose="confirm_request"), follow=True) for late_one in (asked, unlucky)
    ]

    assert "We are holding this time for you until we answer" in text(pages[0])
    assert "We are not holding that time for you now." in text(pages[1])
    start = free(room, days=7)
    response = client.post(path(unlucky, "time"), {"start": start.isoformat()}, follow=True)
    assert "You have chosen another time." in text(response)
    assert unlucky.appointment.starts_at == start


def test_a_suspect_request_can_be_confirmed_like_any_other(client, room):
    asked = asking(room, is_suspect=True)

    response = client.post(path(asked, purpose="confirm_request"), follow=True)

    assert "We are holding this time for you until we answer" in text(response)
    assert status(asked) == "pending"


def test_a_dead_link_is_one_and_the_same_page_whatever_it_was(client, room):
    asked = asking(room, make_it=make.confirmed)
    long_ago = timezone.now() - links.LASTS - timedelta(minutes=1)
    live = links.token(asked, "manage_request", now=timezone.now())
    dead = {
        "expired": links.token(asked, "manage_request", now=long_ago),
        "for something else": links.token(asked, "confirm_request", now=timezone.now()),
        "forged": live[:-1] + ("A" if live[-1] != "A" else "B"),
        "nonsense": "WzU2LDMsMTc5",
        "for nobody": links._signer("manage_request").sign_object([0, 1, int(timezone.now().timestamp())]),
    }

    pages = [
        re.sub(token, "", client.get(reverse("manage_request", args=[token])).content.decode())
        for token in dead.values()
    ]

    assert len({re.sub('(?s)<input type="hidden"[^>]*>', "", page) for page in pages}) == 1
    assert "This link doesn't work" in pages[0]
    for token in dead.values():
        posts = [reverse("request_act", args=[token, "withdraw"]), reverse("new_link", args=[token])]
        assert [client.post(post).status_code for post in posts] == [404, 404]
    assert status(asked) == "pending"


def test_a_second_wish_for_a_link_within_10_minutes_sends_nothing_more(client, room, mailbox):
    asked = asking(room, make_it=make.confirmed)
    token = links.token(asked, "manage_request", now=timezone.now())

    for _ in range(3):
        client.post(reverse("new_link", args=[token]))
        outbox.deliver_due(now=timezone.now())

    assert [mail["To"] for mail in mailbox.messages if "link" in mail["Subject"]] == [asked.email]


def test_before_the_address_is_confirmed_only_its_own_link_is_sent_again(client, room, mailbox):
    """The page itself cannot confirm: a corrected address would never have been seen by its owner."""
    ago = timedelta(minutes=11)
    asked = asking(room, ago=ago)
    robot = asking(room, ago=ago, days=6, is_suspect=True, email="b@example.com")
    outbox.deliver_due(now=timezone.now() - ago)

    assert "on its way" in text(client.post(path(asked, "send-again"), follow=True))
    assert "We could not send a new link" in text(client.post(path(robot, "send-again"), follow=True))

    outbox.deliver_due(now=timezone.now())
    assert [mail["To"] for mail in mailbox.messages] == [asked.email] * 2
    assert {mail["Subject"] for mail in mailbox.messages} == {"Please confirm your request to Example Clinic"}


def test_a_reference_opens_nothing(client, room):
    asked = asking(room, make_it=make.accepted)

    for name in ["manage_request", "confirm_request"]:
        page = client.get(reverse(name, args=[asked.reference]))
        assert page.status_code == 404 and "Thị" not in page.content.decode()


def test_no_log_line_holds_a_link(client, room):
    """Booking case M17."""
    address = path(asking(room, make_it=make.confirmed))
    handler = next(handler for handler in logging.getLogger().handlers if handler.name == "stderr")
    before = handler.setStream(io.StringIO())

    client.post(address)
    client.options(address)
    client.get("/confirm/nonsense/")

    written = handler.setStream(before).getvalue().splitlines()
    assert [line.split(" ", 4)[4] for line in written] == [
        "Conflict: /manage/…/",
        "Method Not Allowed (OPTIONS): /manage/…/",
        "Not Found: /confirm/…/",
    ]
