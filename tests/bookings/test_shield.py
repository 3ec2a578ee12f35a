"""The quiet defences: exact counts, and who looks like a robot."""

import multiprocessing
import threading
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.core import signing
from django.db import connection, transaction
from django.template.loader import render_to_string

from bookings import shield
from bookings.models import Tally
from tests import make
from tests.bookings.test_races import at_once, until_somebody_waits
from tests.make import NOW

HOUR = timedelta(hours=1)
# Addresses that anybody could have; those kept for examples are no addresses of the internet.
HOME, NEIGHBOR, ELSEWHERE = "93.184.216.34", "93.184.216.35", "8.8.4.4"


@pytest.mark.parametrize(
    ("email", "phone", "same"),
    [
        ("anh@example.com", "", "anh@example.com"),
        (" Anh@Example.COM ", "(703) 555-0142", "anh@example.com"),
        ("anh+clinic+2@example.com", "", "anh@example.com"),
        ("+anh@example.com", "", "+anh@example.com"),
        ("a.nh@example.com", "", "a.nh@example.com"),
        ("A.N.H+visit@GoogleMail.com", "", "anh@gmail.com"),
        ("anh@gmail.com", "", "anh@gmail.com"),
        ("anh.le@me.com", "", "anh.le@icloud.com"),
        ("anh.le@mac.com", "", "anh.le@icloud.com"),
        ('"anh"@example.com', "", "anh@example.com"),
        (r'"a\n\h"@example.com', "", "anh@example.com"),
        (r'"a.\n\h+x"@gmail.com', "", "anh@gmail.com"),
        (r'"a\\nh"@example.com', "", r"a\nh@example.com"),
        ('"@example.com', "", '"@example.com'),
        ("anh@Bücher.example", "", "anh@xn--bcher-kva.example"),
        ("anh@xn--bcher-kva.example", "", "anh@xn--bcher-kva.example"),
        (f"anh@{'ü' * 70}.example", "", f"anh@{'ü' * 70}.example"),
        ("", "(703) 555-0142", "+17035550142"),
        ("", "703.555.0142", "+17035550142"),
        ("", "1-703-555-0142", "+17035550142"),
        ("", "+1 703 555 0142", "+17035550142"),
        ("", "+1 (703) 555-0142 ext. 4", "+17035550142"),
        ("", "٧٠٣٥٥٥٠١٤٢", "+17035550142"),
        ("", "７０３－５５５－０１４２", "+17035550142"),
        ("", "+44 20 7946 0958", "+442079460958"),
        ("", "011 44 20 7946 0958", "+442079460958"),
        ("", "two", ""),
        ("", "", ""),
    ],
)
def test_a_person_is_one_however_they_write_their_address_or_number(email, phone, same):
    assert shield.person(email, phone) == same


def hits(count, keys, limit):
    """Count so often from each of 4 threads at once, for each key; how often each was told True."""
    told, barrier = [], threading.Barrier(4)

    def hit():
        barrier.wait(10)
        try:
            told.extend(key for _ in range(count) for key in keys if shield.count(key, limit, HOUR, now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=hit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def process(results, *args):
    connection.connect()
    results.put(hits(*args))


def test_of_two_hundred_at_once_from_two_processes_exactly_five_are_let_through(real_commits):
    connection.close()  # a process must not share it
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    processes = [fork.Process(target=process, args=(results, 25, ["one", "other"], 5)) for _ in range(2)]
    for started in processes:
        started.start()
    told = [key for _ in processes for key in results.get(timeout=30)]
    for started in processes:
        started.join(30)

    assert sorted(told) == ["one"] * 5 + ["other"] * 5
    assert sorted(Tally.objects.values_list("hits", flat=True)) == [5, 5]


def test_who_counts_while_the_last_place_is_being_taken_waits_and_is_told_no(real_commits):
    shield.count("key", 2, HOUR, now=NOW)
    last_is_counted = threading.Event()

    def last():
        with transaction.atomic():
            told = shield.count("key", 2, HOUR, now=NOW)
            last_is_counted.set()
            until_somebody_waits()
        return told

    def one_more():
        last_is_counted.wait(10)
        return shield.count("key", 2, HOUR, now=NOW)

    assert at_once(last, one_more) == [True, False]


@pytest.mark.django_db
def test_a_window_begins_with_the_first_and_its_end_belongs_to_the_next():
    def told(**later):
        return shield.count("key", 2, HOUR, now=NOW + timedelta(**later))

    assert [told(), told(minutes=59), told(minutes=59, seconds=59)] == [True, True, False]
    assert [told(minutes=60), told(minutes=119, seconds=59), told(minutes=119, seconds=59)] == [
        True,
        True,
        False,
    ]
    assert told(minutes=120) is True


@pytest.mark.django_db
def test_what_is_given_back_makes_room_for_one_more_and_never_for_two():
    for _ in range(2):
        shield.count("key", 2, HOUR, now=NOW)
    shield.give_back("key", now=NOW)

    assert [shield.count("key", 2, HOUR, now=NOW) for _ in range(2)] == [True, False]
    for _ in range(3):
        shield.give_back("key", now=NOW)
    assert [shield.count("key", 2, HOUR, now=NOW) for _ in range(3)] == [True, True, False]


@pytest.mark.django_db
def test_one_that_was_refused_does_not_make_the_window_longer():
    for minute in range(60):
        shield.count("key", 1, HOUR, now=NOW + timedelta(minutes=minute))

    assert shield.count("key", 1, HOUR, now=NOW + HOUR) is True


@pytest.mark.django_db
def test_what_is_forgotten_are_the_windows_that_have_ended():
    shield.count("ended", 1, HOUR, now=NOW - HOUR)
    shield.count("lasting", 1, HOUR, now=NOW - HOUR + timedelta(seconds=1))

    assert shield.forget(now=NOW) == 1
    assert shield.count("lasting", 1, HOUR, now=NOW) is False
    assert shield.count("ended", 1, HOUR, now=NOW) is True


def sent(*, seconds=30, **fields):
    """What a browser posts so long after it was shown the form."""
    began = shield.stamp({}, now=NOW - timedelta(seconds=seconds))
    return {"began": began, "subject": "", **fields}


def is_suspect(posted=None, *, address=HOME, now=NOW):
    return shield.is_suspect(posted or sent(), {"REMOTE_ADDR": address}, now=now)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("posted", "expected"),
    [
        (sent(), False),
        (sent(seconds=2), False),
        (sent(seconds=1.999), True),
        (sent(seconds=0), True),
        (sent(seconds=-5), False),  # two servers, two clocks
        (sent(seconds=30 * 24 * 3600), False),  # a person took a break
        (sent(subject="  "), False),
        (sent(subject="cheap pills"), True),
        ({"subject": ""}, True),
        (sent(began=""), True),
        (sent(began=NOW.isoformat()), True),
        (sent(began=sent()["began"][:-1]), True),
        (sent(began=signing.Signer(salt="other").sign(NOW.isoformat())), True),
    ],
)
def test_a_robot_is_who_fills_the_decoy_or_is_quicker_than_a_person(posted, expected):
    assert is_suspect(posted) is expected


def test_a_form_that_is_shown_again_keeps_the_time_of_its_first_showing(settings):
    first = shield.stamp({}, now=NOW)

    assert shield.stamp({"began": first}, now=NOW + HOUR) == first
    assert shield.stamp({"began": "forged"}, now=NOW + HOUR) == shield.stamp({}, now=NOW + HOUR) != first
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [settings.SECRET_KEY]
    assert shield.stamp({"began": first}, now=NOW + HOUR) == first


def let_through(times, address=lambda number: HOME, **given):
    """How many of so many from these addresses (a function of the number) are not suspect."""
    return sum(not is_suspect(address=address(number), **given) for number in range(times))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "limit"),
    [
        (lambda number: HOME, 20),
        (lambda number: f"::ffff:{HOME}" if number % 2 else HOME, 20),
        (lambda number: f"2600:1f18:1:2::{number:x}", 20),
        (lambda number: f"2600:1f18:1:{number:x}::1", 40),
        (lambda number: f"2600:1f18:{number:x}::1", 300),
        (lambda number: f"93.184.216.{number % 256}", 40),
        (lambda number: f"93.184.{number % 256}.{number}"[:12], 300),
        (lambda number: f"192.168.0.{number % 256}", 240),
        (lambda number: f"100.64.{number % 256}.1", 240),
        (lambda number: "", 240),
        # One IPv4 address has all of these.
        (lambda number: f"2002:5db8:d822:{number:x}::1", 20),
        (lambda number: f"2001:0:4136:e378:8000:{number:x}:a247:27dd", 20),
    ],
)
def test_a_sender_is_limited_after_its_number_of_requests_and_not_before(address, limit):
    assert let_through(300, address) == limit


@pytest.mark.django_db
def test_a_practice_chooses_how_many_requests_a_network_may_send(settings):
    settings.LIMITS = {**settings.LIMITS, "requests_from_network": 10}

    assert let_through(50, lambda number: f"93.184.216.{number}") == 10


@pytest.mark.django_db
def test_a_flood_from_one_place_shuts_out_nobody_elsewhere(caplog):
    let_through(42)
    let_through(42, lambda number: ELSEWHERE, posted=sent(seconds=0))

    assert [is_suspect(address=NEIGHBOR), is_suspect(address=ELSEWHERE)] == [False, False]
    assert caplog.records == []


@pytest.mark.django_db
def test_a_flood_from_everywhere_refuses_nobody_and_is_said_once_in_the_log(caplog):
    assert let_through(60, lambda number: f"93.{number}.1.1") == 60
    assert [record.getMessage() for record in caplog.records] == [
        "more than 40 requests in 0:30:00: look at the list Unverified"
    ]


@pytest.mark.django_db
def test_senders_that_cannot_be_told_apart_are_said_once_an_hour_in_the_log(caplog, settings):
    settings.DEMO = False
    let_through(5, lambda number: f"10.0.0.{number}")

    assert [record.getMessage() for record in caplog.records] == [
        "a request came from no address of the internet: does the proxy pass it on?"
    ]
    assert is_suspect(address="", now=NOW + HOUR) is False and len(caplog.records) == 2


@pytest.mark.parametrize(
    ("address", "other", "is_one"),
    [
        (HOME, NEIGHBOR, True),
        (HOME, "93.184.217.34", False),
        ("2600:1f18:1:2::1", "2600:1f18:1:ffff::9", True),
        ("2600:1f18:1::1", "2600:1f18:2::1", False),
        (HOME, "2002:5db8:d822::1", True),  # 6to4
        ("93.184.216.1", "2001:0:4136:e378:8000:63bf:a247:27dd", True),  # Teredo
        ("192.168.0.1", "", True),
    ],
)
def test_a_network_has_one_code_that_tells_nothing(address, other, is_one):
    codes = {shield.network({"REMOTE_ADDR": text}) for text in (address, other)}

    assert len(codes) == (1 if is_one else 2)
    assert {len(code) for code in codes} <= {0, 64}


@pytest.mark.parametrize(
    ("header", "meta", "expected"),
    [
        ("REMOTE_ADDR", {"REMOTE_ADDR": HOME, "HTTP_X_FORWARDED_FOR": ELSEWHERE}, HOME),
        ("HTTP_X_FORWARDED_FOR", {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": HOME}, HOME),
        ("HTTP_X_FORWARDED_FOR", {"HTTP_X_FORWARDED_FOR": f"{ELSEWHERE}, junk,{HOME} "}, HOME),
        ("HTTP_X_FORWARDED_FOR", {"REMOTE_ADDR": HOME}, "None"),
        ("HTTP_X_FORWARDED_FOR", {"HTTP_X_FORWARDED_FOR": f"{HOME}, unknown"}, "None"),
        ("REMOTE_ADDR", {"REMOTE_ADDR": "127.0.0.1"}, "None"),
        ("REMOTE_ADDR", {"REMOTE_ADDR": "fe80::1%eth0"}, "None"),
        ("REMOTE_ADDR", {"REMOTE_ADDR": "2606:2800:220:1::1"}, "2606:2800:220:1::1"),
        ("REMOTE_ADDR", {"REMOTE_ADDR": "100.64.1.2"}, "None"),
        ("REMOTE_ADDR", {"REMOTE_ADDR": "2002:5db8:d822:1::7"}, HOME),
        ("REMOTE_ADDR", {"REMOTE_ADDR": "2002:c0a8:1::7"}, "None"),  # 192.168.0.1 inside
        ("REMOTE_ADDR", {"REMOTE_ADDR": "2001:0:4136:e378:8000:63bf:a247:27dd"}, HOME),
    ],
)
def test_an_address_is_believed_only_from_our_own_proxy_and_is_what_it_carries(
    settings, header, meta, expected
):
    settings.CLIENT_ADDRESS_HEADER = header

    assert str(shield.client_address(meta)) == expected


@pytest.mark.django_db
def test_nobody_can_be_read_from_the_counts():
    is_suspect()
    shield.may_write_to("anh@gmail.com", "", now=NOW)

    rows = list(Tally.objects.values_list("key", "hits", "ends_at"))

    assert {(len(key), set(key) <= set("0123456789abcdef"), hits) for key, hits, _ in rows} == {(64, True, 1)}
    assert len(rows) == 5  # the address, its network, everybody, the mailbox in an hour and in a day


@pytest.mark.django_db
def test_the_counts_of_two_sites_cannot_be_compared(settings):
    shield.count("anh@example.com", 5, HOUR, now=NOW)
    settings.SECRET_KEY = "another" * 8
    shield.count("anh@example.com", 5, HOUR, now=NOW)

    assert list(Tally.objects.values_list("hits", flat=True)) == [1, 1]


class Inputs(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.around = {}, []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "div":
            self.around.append(attrs)
        if tag == "input":
            self.found[attrs["name"]] = (attrs, self.around[-1] if self.around else {})


def test_nobody_who_sees_or_hears_the_page_meets_the_decoy_and_no_browser_fills_it():
    html = render_to_string("components/shield.html", {"began": "a:signature"})

    found = Inputs(html).found
    decoy, around = found[shield.DECOY]
    assert around == {"class": "vh", "aria-hidden": "true"}
    assert (decoy["tabindex"], decoy["autocomplete"], "hidden" in decoy) == ("-1", "off", False)
    assert f'<label for="{decoy["id"]}">Leave this empty</label>' in html
    assert found[shield.BEGAN] == ({"type": "hidden", "name": "began", "value": "a:signature"}, {})


@pytest.mark.django_db
def test_a_suspect_request_is_kept_and_holds_and_sends_nothing():
    asked = make.submitted(is_suspect=is_suspect(sent(subject="cheap pills")))

    assert (asked.is_suspect, asked.appointment, asked.messages.count()) == (True, None, 0)


@pytest.mark.django_db
def test_a_clinic_with_many_places_is_warned_later(caplog):
    for number in range(5):
        make.location(name=f"Place {number}")
    make.location(name="Closed", is_listed=False)

    let_through(51, lambda number: f"93.{number}.1.1")
    assert [record.getMessage()[:13] for record in caplog.records] == ["more than 50 "]
