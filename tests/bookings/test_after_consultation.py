"""Infusions and the like: strangers read how to get there; only staff can book them."""

import tomllib

import pytest

from bookings import lifecycle
from bookings.management.commands.load_clinic import FILE
from bookings.models import AppointmentRequest, RequestedPeriod, VisitType
from tests import make
from tests.bookings.conftest import ALL, first_free, url, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def infusion(room):
    """Given at the same place as the consultation."""
    visit = make.visit_type(slug="infusion", name="Infusion", after_consultation=True)
    make.schedule(room.location, visit, name="Chair")
    return visit


def asking(room, visit, **fields):
    return {**make.asking(room), "visit_type": visit, **fields}


@pytest.mark.parametrize("asks_for", ["time", "periods", "waitlist", "call"])
def test_a_stranger_cannot_ask_for_it_in_any_way(room, infusion, asks_for):
    day = RequestedPeriod(first_day=make.WEDNESDAY_9.date(), last_day=make.WEDNESDAY_9.date())
    wish = {"starts_at": None, "periods": [day]} if asks_for in ("periods", "waitlist") else {}
    wish |= {"starts_at": None} if asks_for == "call" else {}

    with pytest.raises(lifecycle.Refused, match="Infusion comes after a consultation"):
        lifecycle.submit(**asking(room, infusion, asks_for=asks_for, **wish))

    assert not AppointmentRequest.objects.exists()


def test_staff_can_book_it(room, infusion):
    asked = lifecycle.submit(**asking(room, infusion), by=make.staff())

    assert lifecycle.accept(asked, by=make.staff("kim"), now=make.NOW).request.visit_type == infusion


def test_a_request_from_before_the_rule_goes_on(room, infusion):
    VisitType.objects.filter(pk=infusion.pk).update(after_consultation=False)
    infusion.refresh_from_db()
    given = asking(room, infusion)
    asked = lifecycle.submit(**given)
    VisitType.objects.filter(pk=infusion.pk).update(after_consultation=True)
    infusion.refresh_from_db()

    assert lifecycle.submit(**given) == asked
    lifecycle.verify(asked, now=make.NOW)
    asked.refresh_from_db()
    assert lifecycle.accept(asked, by=make.staff(), now=make.NOW).request.visit_type == infusion


def test_the_form_names_it_with_a_way_forward_and_does_not_offer_it(client, walk, infusion):
    page = client.get(walk().headers["Location"])

    assert 'value="consultation"' in page.text and 'value="infusion"' not in page.text
    assert "Infusion. A talk." in words(page)
    assert "A clinician has to see you first" in words(page) and "call us if you are already" in words(page)


def test_the_form_says_nothing_of_it_where_there_is_none(client, walk):
    assert "A clinician has to see you first" not in client.get(walk().headers["Location"]).text


def test_prices_are_said_to_include_everything_and_lead_to_the_right_to_an_estimate(client, walk, room):
    assert "include everything" not in client.get(walk().headers["Location"]).text
    VisitType.objects.filter(slug="consultation").update(price=350)

    page = client.get(walk().headers["Location"])

    assert "$350" in page.text and "include everything we know we will charge" in words(page)
    assert 'href="/good-faith-estimate/">written estimate' in page.text


def test_who_sends_it_all_the_same_is_asked_again(client, walk, infusion):
    response = walk("visit", visit={"visit": "infusion"})

    assert response.status_code == 422
    assert "Select what you would like to come for" in response.text


def test_a_visit_that_gets_the_rule_while_somebody_fills_in_the_form_is_asked_for_again(client, walk, room):
    response = walk(*ALL[:-1])
    VisitType.objects.filter(slug="consultation").update(after_consultation=True)

    response = client.post(url(response, "check"))

    assert response.status_code == 302 and response.headers["Location"].endswith("/visit/")
    assert not AppointmentRequest.objects.exists()


def test_a_visit_that_gets_the_rule_in_the_very_last_moment_is_no_error(client, walk, room, monkeypatch):
    response = walk(*ALL[:-1])
    submit = lifecycle.submit

    def just_before(**fields):
        fields["visit_type"].after_consultation = True
        return submit(**fields)

    monkeypatch.setattr(lifecycle, "submit", just_before)
    response = client.post(url(response, "check"))

    assert response.status_code == 302 and response.headers["Location"].endswith("/visit/")


@pytest.mark.parametrize("more", ["", "&location=arlington", "&location=arlington&start=2027-03-09T14:00Z"])
def test_a_link_to_it_says_how_to_get_there(client, room, infusion, more):
    page = words(client.get(f"/request-an-appointment/?visit=infusion{more}"))

    assert "Infusion comes after a consultation. Start with a first consultation here." in page
    assert "doesn't match what we offer now" not in page and "You chose:" not in page


def test_a_link_to_it_begins_a_form_that_asks_what_for(client, room, infusion):
    start = first_free(room).replace("+", "%2B")

    response = client.post(
        f"/request-an-appointment/who/?visit=infusion&location=arlington&start={start}", {"who": "me"}
    )

    assert response.headers["Location"].endswith("/visit/")


def test_the_demo_offers_strangers_no_infusion_no_tms_and_no_spravato_at_all():
    visits = {entry["slug"]: entry for entry in tomllib.loads(FILE.read_text())["visit_types"]}
    later = {slug for slug, entry in visits.items() if entry.get("after_consultation")}

    assert later == {"ketamine-infusion", "tms", "nasal-spravato"}
    assert [slug for slug, entry in visits.items() if not entry.get("is_listed", True)] == ["nasal-spravato"]
    assert all("ff-label for migraine" in visits[slug]["summary"] for slug in ("ketamine-infusion", "tms"))


def test_managers_set_the_rule_in_the_admin(client, infusion):
    client.force_login(make.staff())

    page = client.get(f"/staff/bookings/visittype/{infusion.pk}/change/")

    assert "only staff can book it" in words(page)
