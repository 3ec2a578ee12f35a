from datetime import timedelta

import pytest
from django.core import signing

from bookings import lifecycle, links, shield
from bookings.models import AppointmentRequest, StaffSession
from clinic_site import sessions
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked():
    return make.confirmed()


def test_a_link_opens_its_request_until_the_day_it_expires(asked):
    token = links.token(asked, "manage_request", now=make.NOW)

    assert links.read(token, "manage_request", now=make.NOW + links.LASTS).request == asked
    with pytest.raises(links.DeadLink):
        links.read(token, "manage_request", now=make.NOW + links.LASTS + timedelta(seconds=1))


def test_a_clock_that_was_an_hour_ahead_makes_no_link_form_or_session_dead_or_immortal(asked):
    """What was made then, once the clock is right again."""
    ahead, robin = make.later(hours=1), make.staff()
    token = links.token(asked, "manage_request", now=ahead)
    form = {shield.BEGAN: shield.stamp({}, now=ahead)}
    StaffSession.objects.create(user=robin, began_at=ahead, used_at=ahead)

    assert links.read(token, "manage_request", now=make.NOW).is_current
    assert not shield.is_suspect(form, {}, now=make.NOW)
    assert sessions.open_sessions(robin, now=make.NOW).exists()
    with pytest.raises(links.DeadLink):
        links.read(token, "manage_request", now=ahead + links.LASTS + timedelta(seconds=1))
    assert not sessions.open_sessions(robin, now=ahead + sessions.IDLE).exists()


def test_a_link_is_old_as_soon_as_the_request_has_changed(asked):
    token = links.token(asked, "manage_request", now=make.NOW)
    assert links.read(token, "manage_request", now=make.NOW).is_current

    lifecycle.withdraw(asked, now=make.NOW)

    old = links.read(token, "manage_request", now=make.NOW)
    assert (old.request, old.version, old.is_current) == (asked, 2, False)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "A" + token[1:],
        lambda token: token.partition(":")[0],
        lambda token: token.swapcase(),
        lambda token: token + ":",
        lambda token: "",
        lambda token: "ü" * 500,
        lambda token: signing.dumps([1, 1, 0], salt="bookings.links.manage_request"),
        lambda token: signing.Signer(salt="bookings.links.manage_request", key="ours?").sign_object(
            [1, 1, 0]
        ),
        lambda token: signing.Signer(salt="bookings.links.manage_request").sign_object("what else"),
    ],
)
def test_what_is_not_whole_opens_nothing(asked, spoil):
    with pytest.raises(links.DeadLink):
        links.read(spoil(links.token(asked, "manage_request", now=make.NOW)), "manage_request", now=make.NOW)


def test_a_link_for_one_purpose_opens_no_other(asked):
    token = links.token(asked, "confirm_request", now=make.NOW)

    with pytest.raises(links.DeadLink):
        links.read(token, "manage_request", now=make.NOW)


def test_a_link_to_a_request_that_is_no_more_opens_nothing(asked):
    token = links.token(AppointmentRequest(pk=asked.pk + 1, version=1), "manage_request", now=make.NOW)

    with pytest.raises(links.DeadLink):
        links.read(token, "manage_request", now=make.NOW)


def test_a_link_lives_on_when_the_key_is_changed_with_the_old_one_kept(asked, settings):
    token = links.token(asked, "manage_request", now=make.NOW)

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (
        "a new key for the same clinic",
        [settings.SECRET_KEY],
    )

    assert links.read(token, "manage_request", now=make.NOW).request == asked


def test_a_link_names_nobody(asked):
    url = links.url(asked, "manage_request", now=make.NOW)
    token = url.rstrip("/").rpartition("/")[2]

    assert signing.b64_decode(token.partition(":")[0].encode()).decode() == (
        f"[{asked.pk},{asked.version},{int(make.NOW.timestamp())}]"
    )
    assert url.startswith("http://127.0.0.1:8000/manage/") and asked.reference not in url
