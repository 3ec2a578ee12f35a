"""A form whose protection is too old: staff get back what they typed, nobody else's words are shown."""

import re

import pytest
from django.test import Client

from pages.models import Revision
from tests.make import staff
from tests.pages import make

pytestmark = pytest.mark.django_db
OURS = {"Origin": "http://testserver"}
TYPED = {**make.WORDS, "body": "\nTyped <b>for</b> an hour.", "_newest_seen": "0"}


@pytest.fixture
def strict():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def address():
    return f"/staff/pages/page/{make.page().pk}/propose/"


def test_what_staff_typed_comes_back_and_can_be_sent_again(strict, address):
    strict.force_login(staff())

    back = strict.post(address, TYPED, headers=OURS)

    shown = back.content.decode()
    assert back.status_code == 403
    assert re.findall(r"<label .*?>(.*?)</label>", shown) == [
        *("Title", "Caption", "Summary", "Short version", "Body", "Change note")
    ]
    assert "\n\nTyped &lt;b&gt;for&lt;/b&gt; an hour.</textarea>" in shown
    token = re.search(r'name="csrfmiddlewaretoken" value="(.*?)"', shown)[1]
    strict.post(address, {**TYPED, "csrfmiddlewaretoken": token}, headers=OURS)
    assert Revision.objects.get().body == TYPED["body"]


def test_who_is_signed_out_as_well_is_told_to_sign_in(strict, address):
    shown = strict.post(address, TYPED, headers=OURS).content.decode()

    assert "sign in on another tab" in shown and "an hour." in shown


@pytest.mark.parametrize(
    ("path", "fields", "headers"),
    [
        ("/staff/pages/page/1/propose/", TYPED, {"Origin": "https://evil.example"}),
        ("/staff/pages/page/1/propose/", TYPED, {}),
        ("/staff/pages/page/1/propose/", TYPED, {"Origin": "null"}),
        ("/staff/login/", {"username": "robin", "password": "Typed "}, OURS),
        ("/request-an-appointment/who/", TYPED, OURS),
    ],
)
def test_what_another_site_may_have_sent_and_passwords_are_not_shown(strict, path, fields, headers):
    strict.force_login(staff())

    response = strict.post(path, fields, headers=headers)

    assert response.status_code == 403
    assert "This form was open for too long" in response.content.decode()
    assert "Typed" not in response.content.decode()
