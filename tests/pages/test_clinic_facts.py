import io
import re
import tomllib

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import OperationalError, connection
from django.urls import reverse

from clinic_site.content_version import number_in
from pages import clinic_facts, markdown, publishing
from pages.management.commands.load_pages import STARTER
from pages.models import ClinicFact, Page
from pages.search import find
from tests import make as make_desk
from tests.pages import make

pytestmark = pytest.mark.django_db
BODY = """Dogs are fine.

We are {{legal_name}}, at {{mailing_address}}.

::: clinic
## Our parking

- By car: {{parking}}
- By boat: {{mooring}}
:::

| Way | Price |
|---|---|
| On foot | nothing |
| By boat | {{mooring}} |
"""


def fact(key, value="", **fields):
    return ClinicFact.objects.create(key=key, question=f"What is {key}?", value=value, **fields)


@pytest.fixture
def facts():
    return {key: fact(key) for key in ("legal_name", "mailing_address", "parking", "mooring")}


@pytest.fixture
def shown(client, facts):
    body = BODY.replace("| Way", "::: table Ways\n| Way") + ":::"
    make.starter(make.page("ways", kind="plain"), body=body, short_version="")
    return lambda: re.search("<article>.*</article>", client.get("/ways/").text, re.DOTALL)[0]


def write(**values):
    for key, value in values.items():
        ClinicFact.objects.filter(key=key).update(value=value)


def test_readers_meet_no_blank_while_facts_are_open(shown):
    page = shown()

    assert "Dogs are fine." in page and "On foot" in page
    assert not re.search(r"We are|Our parking|By car|By boat|<data|data-needs|{{|<ul>\s*</ul>", page)


def test_a_sentence_appears_when_all_its_facts_are_written_and_a_box_with_the_first(shown):
    write(legal_name="Bay Clinic", parking="behind the house")

    page = shown()

    assert "We are" not in page and "By boat" not in page
    assert "Our parking" in page and "By car: behind the house" in page
    write(mailing_address="1 Example Street", mooring="$5")
    assert "We are Bay Clinic, at 1 Example Street." in shown()
    assert shown().count("By boat") == 2


def test_what_managers_write_is_no_html_and_no_markdown(shown):
    write(legal_name='**<b onclick="x">Bay & Co</b>**', mailing_address="a@clinic.example\n1 Example Street")

    page = shown()

    assert "**&lt;b onclick=&quot;x&quot;&gt;Bay &amp; Co&lt;/b&gt;**" in page
    assert '<a href="mailto:a@clinic.example">a@clinic.example</a><br>1 Example Street.' in page


def test_the_contents_list_leaves_out_headings_that_are_not_shown(client, facts):
    others = [f"## {name}\n\nHm." for name in ("One", "Two", "Three", "Five")]
    body = "\n\n".join([*others, "::: clinic\n## Four\n\n{{parking}}\n:::"])
    make.starter(make.page("ways", kind="plain"), body=body, short_version="")

    assert 'href="#five"' in client.get("/ways/").text and "four" not in client.get("/ways/").text
    write(parking="behind the house")
    assert 'href="#four"' in client.get("/ways/").text


def test_the_whole_guide_is_filled_too(client, facts):
    hub = make.page("hub", kind="hub")
    make.starter(hub)
    make.starter(make.page("hub/ways", parent=hub), body="We are {{legal_name}}.", title="Ways")
    assert "We are" not in client.get("/hub/all/").text

    write(legal_name="Bay Clinic")

    assert "We are Bay Clinic." in client.get("/hub/all/").text


def test_the_search_finds_facts_that_are_written_and_nothing_of_what_readers_do_not_see(shown):
    assert find("boat").results == () and find("parking").results == ()
    assert find("dogs").results

    write(mooring="gondola & rope <3", parking="")

    assert find("gondola").results[0].page.path == "ways"
    assert find("boat").results and find("parking").results and not find("car").results
    write(mooring="")
    assert find("gondola").results == ()


def test_a_fact_that_is_written_raises_the_content_version(facts):
    before = number_in(connection)

    write(legal_name="Bay Clinic")

    assert number_in(connection) > before


def test_a_page_without_facts_asks_for_none(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert clinic_facts.fill("<p>Light</p>") == "<p>Light</p>"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("We are {{nobody}}.", "There is no fact {{nobody}}."),
        ("## We are {{legal_name}}", "A heading names no fact."),
        ("::: callout We are {{legal_name}}\nHm.\n:::", "A fact like {{legal_name}} stands in a paragraph"),
        ("Write {{Legal Name}}.", "A fact like {{legal_name}} stands in a paragraph"),
        ("::: clinic\nHm.\n:::", "::: clinic has no heading of its own, and names a fact"),
        ("- We are {{legal_name}}\n  - so", "A list item with a fact holds no list of its own."),
    ],
)
def test_a_fact_where_none_can_be_is_a_fault(facts, body, sentence):
    rendered = markdown.render(body, {}, facts=clinic_facts.keys())

    assert any(sentence in str(problem) for problem in rendered.problems)


def test_a_fact_outside_of_the_body_is_a_fault(facts):
    with pytest.raises(publishing.Refused, match="not in the summary"):
        make.starter(summary="Who {{legal_name}} is.")


def test_what_the_settings_say_is_never_open():
    known = clinic_facts.values()

    assert known["clinic_phone"] == project.CLINIC["phone"]
    assert known["requests_kept_days"] == str(project.KEPT_DAYS["requests"])


# Before a clinic opens


@pytest.fixture
def real_clinic(settings):
    settings.CLINIC = {**settings.CLINIC, "is_demo": False}


SETTING_UP = "This site is being set up."


def test_a_real_site_says_that_it_is_being_set_up_until_every_required_fact_is_written(client, real_clinic):
    fact("legal_name", is_required=True)
    fact("owners", is_required=True)
    fact("parking")
    make.starter()

    assert (
        SETTING_UP in client.get("/light/").text and SETTING_UP in client.get("/request-an-appointment/").text
    )
    write(legal_name="Bay Clinic")
    assert SETTING_UP in client.get("/light/").text
    write(owners="Two people own it.")
    assert SETTING_UP not in client.get("/light/").text
    assert "This is a demonstration" not in client.get("/light/").text


@pytest.mark.parametrize("address", ["/request-an-appointment/", "/request-an-appointment/call/"])
def test_a_site_that_is_being_set_up_promises_no_answer_without_saying_that_it_may_not_come(
    client, real_clinic, address
):
    make_desk.schedule()
    fact("owners", is_required=True)

    assert "We may not answer what you send here." in client.get(address).text
    write(owners="Two people own it.")
    page = client.get(address).text
    assert "within 2 business days" in page and "We may not answer" not in page


def test_the_demo_says_that_it_is_one_and_not_that_it_is_being_set_up(client):
    fact("legal_name", is_required=True)
    make.starter()

    page = client.get("/light/").text
    assert "This is a demonstration" in page and SETTING_UP not in page


def test_the_page_is_shown_while_nobody_can_say_what_is_open(real_clinic, monkeypatch):
    def away(*arguments):
        raise OperationalError("away")

    monkeypatch.setattr(ClinicFact.objects, "required_and_open", away)

    assert clinic_facts.is_being_set_up() is False


def test_the_check_before_going_live_names_each_required_fact_that_is_open(real_clinic):
    fact("legal_name", is_required=True)
    fact("owners", "Two people own it.", is_required=True)
    fact("parking")
    said = io.StringIO()

    call_command("check", "--deploy", "--database", "default", "--tag", "database", stderr=said)

    assert said.getvalue().count("pages.W001") == 1
    assert "Nobody has answered: What is legal_name?" in said.getvalue()


def test_managers_see_at_home_how_many_required_facts_are_open_and_write_them_in_the_admin(client):
    one = fact("legal_name", is_required=True)
    fact("owners", is_required=True)
    client.force_login(make_desk.staff())

    home = client.get("/staff/").text
    client.post(f"/staff/pages/clinicfact/{one.pk}/change/", {"value": " Bay Clinic ", "key": "other"})

    assert "Facts about this practice to write: <strong>2</strong>" in home
    one.refresh_from_db()
    assert (one.value, one.key) == ("Bay Clinic", "legal_name")
    assert "to write: <strong>1</strong>" in client.get("/staff/").text
    listed = client.get("/staff/pages/clinicfact/?answer=required").text
    assert "What is owners?" in listed and "What is legal_name?" not in listed


@pytest.mark.parametrize("value", ["\u200b", "\u2060 \ufeff", "\u202e\n\u200e"])
def test_an_answer_that_nobody_can_see_is_no_answer(client, value):
    """It would close the question, and readers would meet a blank."""
    client.force_login(make_desk.staff())
    open_fact = fact("no_ride_plan", is_required=True)
    address = reverse("admin:pages_clinicfact_change", args=[open_fact.pk])

    refused = client.post(address, {"value": value}).text
    kept = client.post(address, {"value": f"We wait {value} with you"})

    assert "Nothing in this answer can be seen." in refused
    open_fact.refresh_from_db()
    assert kept.status_code == 302 and open_fact.value.startswith("We wait")


def test_a_real_site_tells_managers_too_and_where_to_write(client, real_clinic):
    fact("legal_name", is_required=True)
    client.force_login(make_desk.staff())

    assert "/staff/pages/clinicfact/?answer=required" in client.get("/staff/pages/page/").text


# The starter pages


def test_questions_come_with_the_pages_and_answers_stay():
    call_command("load_pages", verbosity=0)
    write(legal_name="Bay Clinic")
    ClinicFact.objects.filter(key="legal_name").update(question="Old?")

    call_command("load_pages", verbosity=0)

    stored = ClinicFact.objects.get(key="legal_name")
    assert stored.value == "Bay Clinic" and stored.question != "Old?"


def test_every_question_is_named_on_a_starter_page_and_every_page_names_only_these():
    asked = set(tomllib.loads((STARTER / "facts.toml").read_text()))
    named = {key for file in STARTER.rglob("*.md") for key in re.findall(r"{{(\w+)}}", file.read_text())}

    assert named - set(clinic_facts.of_the_settings()) == asked


def test_no_page_of_ours_talks_to_the_clinic_in_public():
    notes = re.compile(
        r"clinic that uses this (site|website)|writes? here|a clinic has to add", re.IGNORECASE
    )

    assert [str(file) for file in STARTER.rglob("*.md") if notes.search(file.read_text())] == []


def test_a_starter_page_with_every_fact_written_has_no_blank_left(client):
    call_command("load_pages", verbosity=0)
    ClinicFact.objects.update(value="Ask us.")

    for page in Page.objects.public().filter(live__html__contains="<data "):
        shown = client.get(page.get_absolute_url()).text
        assert "Ask us." in shown and "data-needs" not in shown and "<data" not in shown, page


def test_the_language_page_says_its_notice_in_other_languages_each_marked_as_such(client, settings):
    settings.CLINIC = {**settings.CLINIC, "phone": "(410) 555-0188"}
    call_command("load_pages", verbosity=0)

    shown = client.get("/language-assistance/").text
    taglines = re.findall(r'<li lang="([a-zA-Z-]+)"[^>]*>(.*?)</li>', shown, re.DOTALL)

    assert len(taglines) == 10 and len({language for language, _ in taglines}) == 10
    assert all("(410) 555-0188" in words for _, words in taglines)
    assert '<div dir="rtl">' in dict(taglines)["ar"]
    assert 'lang="es"' not in client.get("/nondiscrimination/").text
