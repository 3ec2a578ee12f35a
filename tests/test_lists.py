"""The lists of the staff, asked for what they do not offer. Each of these was an error 500 once."""

import re
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from bookings.models import Appointment, Closure
from tests import make
from tests.pages import make as make_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    """Somebody who may see every list, with something in the lists."""
    asked = make.accepted()
    now = timezone.now()
    Closure.objects.create(
        location=asked.location, reason=Closure.Reason.LEAVE, starts_at=now, ends_at=now + make.timedelta(1)
    )
    make_page.starter()
    client.force_login(make.staff("boss"))
    return client


def lists():
    export = reverse("export_requests")  # first: with the addresses come the lists that nobody sees
    models = [model for model in admin.site._registry if model is not Appointment]  # its list is the day
    return {
        model.__name__: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in models
    } | {"export": export}


def words(page):
    return " ".join(re.findall(r'<li class="warning">(.*?)</li>', page.text, re.S))


ASKED = [
    ("Revision", "created_at__year=0", "created_at__year"),
    ("Viewing", "at__year=99999", "at__year"),
    ("Viewing", "kind__regex=(", "kind__regex"),
    ("Viewing", "requests__contains=1", "requests__contains"),
    ("Viewing", "by__id__exact=99999999999999999999", "by__id__exact"),
    ("Viewing", "by__password__startswith=a", "by__password__startswith"),
    ("Change", "at__gte=0001-01-01+00:00:00%2B14:00", "at__gte"),
    ("Change", "at__lt=9999-12-31+23:59:59-14:00", "at__lt"),
    ("Change", "row__in=x", "row__in"),
    ("Closure", "starts_at__year=9999", "starts_at__year"),
    ("Closure", "starts_at__year=1&starts_at__month=1", "starts_at__month"),
    ("Closure", "starts_at__day=31", "starts_at__day"),
    ("Closure", "starts_at__year=9999999999999999999999", "starts_at__year"),
    ("User", "_to_field=password", "_to_field"),
    ("Closure", "starts_at__year=2027&starts_at__month=2&starts_at__day=30", "starts_at__year"),
    ("Closure", "reason__exact=leave&location__isnull=maybe", "location__isnull"),
    ("User", "date_joined__week_day=x", "date_joined__week_day"),
    ("User", "groups__id__exact=%C2%B2", "groups__id__exact"),
    ("Source", "checked_on__gte=10000-01-01", "checked_on__gte"),
    ("AppointmentRequest", "names__iregex=[", "names__iregex"),
    ("export", "names__iregex=[", "names__iregex"),
]


@pytest.mark.parametrize(("name", "query", "left_out"), ASKED)
def test_a_list_asked_for_what_it_does_not_offer_shows_itself_without_it_and_says_so(
    boss, name, query, left_out
):
    page = boss.get(f"{lists()[name]}?{query}", follow=True)

    assert page.status_code == 200
    assert f"“{left_out}”" in words(page) and "this list has no such filter" in words(page)
    assert left_out not in page.request["QUERY_STRING"]


def test_what_the_list_offers_beside_it_is_kept(boss):
    page = boss.get(f"{lists()['Closure']}?reason__exact=leave&reason__regex=(&o=1", follow=True)

    assert page.request["QUERY_STRING"] == "reason__exact=leave&o=1"


def test_every_link_of_every_list_is_one_that_it_takes(boss):
    followed = 0
    for address in lists().values():
        links = {
            link.replace("&amp;", "&") for link in re.findall(r'href="(\?[^"]+)"', boss.get(address).text)
        }
        for link in links:
            page = boss.get(address + link)
            assert (page.status_code, words(page)) == (200, ""), address + link
        followed += len(links)

    assert followed > 60


@pytest.mark.parametrize("keys", [["x"], ["1.5"], ["99999999999999999999"], ["-"], ["²"], ["", " "]])
def test_a_ticked_row_that_is_none_is_left_out_and_named(boss, keys):
    for name in ("User", "Closure", "Synonym", "Feedback"):
        address = lists()[name]
        page = boss.post(address, {"action": "delete_selected", "_selected_action": keys}, follow=True)

        assert page.status_code == 200 and "this list has no such row" in words(page)
    assert User.objects.exists() and Closure.objects.exists()


def test_the_rows_that_are_there_are_acted_on_all_the_same(boss):
    gone = User.objects.create_user("gone")
    sent = {"action": "delete_selected", "_selected_action": [gone.pk, "x"]}

    page = boss.post(lists()["User"], sent)

    assert "Are you sure" in page.text and "gone" in page.text and "“x”" in words(page)


def test_a_value_that_the_list_cannot_read_is_told(boss):
    page = boss.get(f"{lists()['Revision']}?is_starter__exact=perhaps", follow=True)

    assert page.status_code == 200 and "couldn’t read that filter" in words(page)


def test_who_may_not_see_a_list_learns_nothing_of_its_filters(client):
    client.force_login(User.objects.create_user("lee", is_staff=True))
    refused = client.get(f"{lists()['Viewing']}?{urlencode({'kind__regex': '('})}")

    assert refused.status_code == 403 and "_messages" not in client.session


@pytest.mark.parametrize("name", lists())
def test_of_a_whole_text_in_the_search_only_the_first_words_are_looked_for(
    boss, name, django_assert_max_num_queries
):
    """Each word is one more look at every row: with 3,400 of them one list took twelve seconds."""
    with django_assert_max_num_queries(60) as asked:
        page = boss.get(lists()[name], {"q": " ".join(f"word{number}" for number in range(700))})

    longest = max(len(query["sql"]) for query in asked.captured_queries)
    assert page.status_code == 200 and longest < 12_000
    assert "We looked only for the first 12 of these 700 words." in words(page)


def test_what_completes_a_name_looks_for_few_words_too(boss, django_assert_max_num_queries):
    whose = {"app_label": "pages", "model_name": "revision", "field_name": "page"}
    with django_assert_max_num_queries(60) as asked:
        found = boss.get(reverse("admin:autocomplete"), {**whose, "term": "word " * 700})

    assert found.status_code == 200 and max(len(query["sql"]) for query in asked.captured_queries) < 12_000


def test_a_search_for_a_few_words_is_left_as_it_was_typed(boss):
    page = boss.get(lists()["User"], {"q": "two  words"})

    assert 'value="two  words"' in page.text and words(page) == ""
