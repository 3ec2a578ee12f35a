"""Emails that a stranger can cause by typing an address: few to one mailbox, and staff see the rest."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from bookings import lifecycle, messages, shield
from bookings.models import Message, Tally
from tests import make
from tests.bookings.test_races import at_once
from tests.make import NOW

HOUR = timedelta(hours=1)
LIST = "/staff/bookings/appointmentrequest/"
SPELLINGS = [
    "v.i.ctim@gmail.com",
    "Victim+{}@googlemail.com",
    r'"v\i\ctim"@GMAIL.com',
    "vic.tim+x{}@gmail.com",
]


def may_write(times, email=lambda number: SPELLINGS[number % 4].format(number), *, network="", now=NOW):
    """How many of so many emails to these addresses, from this network, would be sent."""
    return sum(shield.may_write_to(email(number), network.format(number), now=now) for number in range(times))


@pytest.mark.django_db
def test_one_mailbox_gets_three_unasked_for_emails_in_any_hour_however_it_is_written():
    assert may_write(20, network="n{}") == 3
    assert may_write(20, network="m{}", now=NOW + timedelta(minutes=59)) == 0
    assert shield.may_write_to("other@gmail.com", "n1", now=NOW) is True


@pytest.mark.django_db
def test_in_whatever_hour_it_is_never_more_than_three():
    sent = [
        minute
        for minute in range(600)
        if may_write(1, network=f"{minute % 50}", now=make.later(minutes=minute))
    ]

    assert max(sum(begin <= one < begin + 60 for one in sent) for begin in range(600)) == 3
    assert len(sent) == 12  # a day


def test_of_eight_at_once_from_eight_networks_three_are_sent(real_commits):
    acts = [lambda n=n: shield.may_write_to(f"vic.tim+{n}@gmail.com", f"n{n}", now=NOW) for n in range(8)]

    assert sorted(at_once(*acts)) == [False] * 5 + [True] * 3


@pytest.mark.django_db
def test_one_network_cannot_use_up_the_emails_of_a_mailbox():
    assert may_write(20, network="robot") == 2
    assert may_write(1, network="home") == 1


@pytest.mark.django_db
def test_in_a_day_one_network_leaves_most_of_a_mailbox_to_others():
    robot = sum(may_write(5, network="robot", now=make.later(hours=hour)) for hour in range(24))

    assert robot == 4
    assert may_write(1, network="home", now=make.later(hours=23)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "network", "limit"),
    [
        (lambda number: f"{number}@small.example", "one", 10),
        (lambda number: f"{number}@small.example", "n{}", 20),
        (lambda number: f"{number}@gmail.com", "one", 40),
        (lambda number: f"{number}@gmail.com", "n{}", 50),
        (lambda number: f"{number}@{number}.example", "one", 40),
        (lambda number: f"a@{number}.small.example", "one", 10),
        (lambda number: f"a@{number}.of.a.small.example", "n{}", 20),
        (lambda number: f"a@{number}.co.uk", "one", 40),
        (lambda number: f"a@{number}.city.rr.com", "n{}", 50),
        (lambda number: f"a{number}@user.fastmail.com", "n{}", 3),
        (lambda number: f"vic{'.-_'[number % 3]}tim@{['proton.me', 'pm.me'][number % 2]}", "n{}", 3),
    ],
)
def test_a_small_domain_and_a_network_have_their_limits_and_a_provider_has_none(email, network, limit):
    assert may_write(50, email, network=network) == limit


@pytest.mark.django_db
def test_an_email_that_one_limit_refuses_is_counted_nowhere():
    may_write(10, lambda number: f"{number}@small.example", network="one")
    before = set(Tally.objects.filter(hits__gt=0).values_list("key", "hits"))

    assert shield.may_write_to("anh@small.example", "one", now=NOW) is False
    assert set(Tally.objects.filter(hits__gt=0).values_list("key", "hits")) == before


@pytest.mark.django_db
def test_a_mailbox_that_others_type_again_and_again_gets_three_emails_and_staff_are_told_to_call():
    room, limit = make.schedule(), 3
    wish = {"asks_for": "waitlist", "starts_at": None}
    typed = [
        make.submitted(room, email=f"anh+{i}@example.com", network=f"n{i}", **wish) for i in range(limit + 1)
    ]
    sent = [asked.messages.get() for asked in typed]

    assert [one.status for one in sent] == ["queued"] * limit + ["failed"]
    assert sent[-1].error == messages.TOO_MANY
    assert messages.send_again(typed[-1], "verify", now=NOW + timedelta(minutes=59)) is False
    assert typed[-1].messages.get().status == "failed"
    assert messages.send_again(typed[-1], "verify", now=NOW + HOUR) is True
    assert (typed[-1].messages.get().status, typed[-1].messages.get().error) == ("queued", "")


@pytest.mark.django_db
def test_a_flood_of_calls_does_not_bury_the_clinic_in_news():
    room, cap = make.schedule(), shield.TO_STAFF.limit
    call = {"asks_for": "call", "starts_at": None, "email": "", "contact_by": "phone"}
    for number in range(cap + 2):
        last = make.submitted(room, phone=f"703 555 {number:04}", **call)

    assert list(last.messages.values_list("kind", "status")) == [
        ("staff_new", "suppressed"),
        ("staff_overdue", "suppressed"),
    ]
    assert Message.objects.filter(kind="staff_new", status="queued").count() == cap


@pytest.mark.django_db
def test_staff_see_whose_confirmation_was_not_sent_until_they_have_phoned(client, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    may_write(3, lambda number: "anh@example.com", network="n{}")
    asked, robin = make.submitted(), make.staff()
    client.force_login(robin)

    home = client.get("/staff/").context["desk"]["to_do"]
    assert {row["name"]: row["number"] for row in home}["Mail problems"] == 1
    tag = '<span class="tag tag--stopped">not sent: call the patient</span>'
    listed = client.get(f"{LIST}?list=mail_problems").content.decode()
    assert asked.reference in listed and tag in listed
    page = client.get(f"{LIST}{asked.pk}/change/").content.decode()
    assert tag in page and messages.TOO_MANY in page

    lifecycle.mark_phoned(asked, outcome="reached", by=robin, now=NOW)
    assert asked.reference not in client.get(f"{LIST}?list=mail_problems").content.decode()


@pytest.mark.django_db
def test_staff_see_that_a_time_is_not_held(client, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    room = make.schedule()
    asked, held = make.confirmed(room), make.confirmed(room, starts_at=make.TUESDAY_9, email="b@example.com")
    asked.appointments.update(status="cancelled")
    client.force_login(make.staff())

    assert client.get(LIST).content.decode().count("time not held") == 1
    page = client.get(f"{LIST}{asked.pk}/change/").content.decode()
    assert "time not held" in page and "The time asked for is free for others to take." in page
    assert "time not held" not in client.get(f"{LIST}{held.pk}/change/").content.decode()


@pytest.mark.django_db
def test_an_email_that_its_reader_confirms_is_counted_no_more():
    room = make.schedule()

    family = [
        make.confirmed(room, starts_at=make.TUESDAY_9 + number * HOUR, network="home") for number in range(6)
    ]

    assert {asked.messages.get(kind="verify").status for asked in family} == {"queued"}
    assert may_write(3, lambda number: "anh@example.com", network="n{}") == 3


@pytest.mark.django_db
def test_a_request_nobody_confirmed_that_runs_out_writes_to_no_stranger_uncounted():
    asked = make.submitted(email="", phone="(703) 555-0142", contact_by="phone")
    lifecycle.correct_contact(
        asked, email="victim@gmail.com", phone="(703) 555-0142", contact_by="email", now=NOW
    )
    end = make.WEDNESDAY_9
    may_write(3, lambda number: "victim@gmail.com", network="n{}", now=end)

    lifecycle.sweep(now=end)

    asked.refresh_from_db()
    assert asked.status == "expired"
    assert asked.messages.get(kind="expired").status == "failed"


@pytest.mark.django_db
def test_corrections_of_an_address_count_like_first_ones():
    asked = make.submitted(make.schedule(), email="own@gmail.com", network="robot")
    for number in range(4):
        asked = lifecycle.correct_contact(
            asked, email=f"victim+{number}@gmail.com", phone="", contact_by="email", now=NOW
        )

    assert list(asked.messages.order_by("version").values_list("status", flat=True)) == [
        *["queued"] * 3,
        *["failed"] * 2,
    ]


def owed_to(email):
    """How many emails are owed to that address, or have left."""
    owed = Message.objects.filter(request__email=email, version=F("request__version"))
    owed = owed.exclude(kind__in=Message.TO_STAFF)
    return owed.exclude(status__in=[Message.Status.FAILED, Message.Status.SUPPRESSED]).count()


@pytest.mark.django_db
def test_an_address_that_is_typed_after_another_one_was_confirmed_has_the_same_limit():
    for number in range(4):
        asked = make.confirmed(email=f"own{number}@gmail.com", network="robot")
        lifecycle.correct_contact(asked, email="victim@gmail.com", phone="", contact_by="email", now=NOW)

    assert owed_to("victim@gmail.com") == 2  # of one network


@pytest.mark.django_db
def test_whoever_moves_a_visit_again_and_again_sends_few_emails_to_an_address_that_is_not_theirs():
    asked = make.accepted()
    lifecycle.correct_contact(asked, email="victim@gmail.com", phone="", contact_by="email", now=NOW)
    for number in range(6):
        asked.refresh_from_db()
        choice = lifecycle.Choice(
            asked.visit_type, asked.location, asked.appointment.starts_at + HOUR * (-1) ** number
        )
        lifecycle.reschedule(asked, choice, now=make.later(minutes=4 * number))
    sent = Message.objects.filter(request=asked, kind=Message.Kind.RESCHEDULED, error="")

    assert sent.count() < 3
