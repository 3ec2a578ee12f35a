"""A form whose protection is too old: people get back what they typed, nobody else's words are shown."""

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


def test_what_a_patient_typed_goes_on_at_the_press_of_a_button(strict):
    typed = {"patient_name": "Nguyễn <b>Ánh</b>", "phone": "(703) 555-0199"}

    back = strict.post("/request-an-appointment/call/", typed, headers=OURS)

    shown = back.content.decode()
    fields = dict(re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', shown))
    token = fields.pop("csrfmiddlewaretoken")
    assert (back.status_code, fields["patient_name"]) == (403, "Nguyễn &lt;b&gt;Ánh&lt;/b&gt;")
    on = strict.post("/request-an-appointment/call/", {**typed, "csrfmiddlewaretoken": token}, headers=OURS)
    assert on.status_code in (302, 422)  # taken, or asked about: no longer turned away


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
        ("/request-an-appointment/who/", TYPED, {"Origin": "https://evil.example"}),
    ],
)
def test_what_another_site_may_have_sent_and_passwords_are_not_shown(strict, path, fields, headers):
    strict.force_login(staff())

    response = strict.post(path, fields, headers=headers)

    assert response.status_code == 403
    assert "This form was open for too long" in response.content.decode()
    assert "Typed" not in response.content.decode()
