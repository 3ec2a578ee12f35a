"""What the starter pages say of medicine: what each must say, what none may say again, and its numbers."""

import re
import tomllib

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils.html import strip_tags

from pages.management.commands.load_pages import FENCE, STARTER
from pages.models import Page

pytestmark = pytest.mark.django_db
GUIDES = ["ketamine-for-migraine", "treatments", "conditions"]
FILES = sorted(
    file for guide in GUIDES for file in [STARTER / f"{guide}.md", *(STARTER / guide).rglob("*.md")]
)
SOURCES = tomllib.loads((STARTER / "sources.toml").read_text())
KEY = re.compile(r"\[@([a-z0-9-]+)\]")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# How to read a number, and the name of a trial or a label with its year, say nothing of a result.
NO_RESULT = re.compile(
    r"95% interval|\bof 10\b(?!0)|scale of 0 to 10+|\b(?:19|20)\d\d\b|KARMA-Dep 2|Under 18"
)
WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}
# For each page, what it says, and what it does not say any more.
STATEMENTS = {
    "ketamine-for-migraine/does-it-work": [
        ("strongest trial against a placebo", "Three such trials"),
        ("We found seven such trials", "141 people"),
        ("Better than ketorolac in 140 people", "did not beat"),
        ("middle person's pain had fallen by 1 point", "middle values times 10"),
        ("Guidelines differ on whether", "do not need to try older medicines"),
        ("We found no trial of an infusion of hours or days", "No trial has tested"),
        ("247 people, 175 with migraine", "247 people, 490"),
    ],
    "ketamine-for-migraine/does-it-work/every-study": [
        ("Nicolodi 1995, prevention", "we found no study"),
        ("Sarvari 2022: 140 people", "three trials"),
        ("Krusz 2010: 247 people", "proven"),
        ("Turner 2020: 34 hospital visits", "no data"),
    ],
    "ketamine-for-migraine/what-it-is": [
        ("Into a muscle, as a shot Anesthesia", "2 small trials and reports"),
    ],
    "ketamine-for-migraine/how-it-may-work": [
        ("other small trials disagree", "In the fairest trials so far"),
    ],
    "ketamine-for-migraine/is-it-right-for-you": [
        ("one report without a comparison group, and no trial", "no data"),
        ("Severe high blood pressure.*glaucoma.*IVF", "watched"),
        ("An aneurysm, an AVM, or past bleeding in the brain", "and no trial(?! that we found)"),
        ("Untreated high blood pressure, or a past stroke", "no data"),
        ("stimulants and MAO inhibitors", "watched"),
    ],
    "ketamine-for-migraine/risks-and-side-effects": [
        ("61 to 84.*48 to 61.*3 and 4 of 1,000", "61 to 75"),
    ],
    "treatments": [
        ("better than ketorolac in another", "no benefit of a single dose|We found no data"),
    ],
    "treatments/iv-ketamine": [
        ("247 people, without a comparison group or follow-up", "no study of ketamine alone"),
    ],
    "treatments/nasal-ketamine-and-spravato": [
        ("suicidal thoughts in young people", "61 to 75"),
        ("trials of nasal ketamine disagree", "was not better than usual"),
        (
            "aneurysm.*past bleeding in the brain.*not been shown to prevent suicide",
            "was not better than usual",
        ),
    ],
    "treatments/tms": [
        ("18 seizures in 586,656 sessions and 25,526 patients", "not collected sources"),
        (r"0\.31 0\.18 to 0\.48.*0\.71 0\.42 to 1\.11", "bupropion causes"),
        ("A .TMS session. in a clinic means repeated TMS.*off-label", "take it back"),
        (
            "not for people with metal in the head.*wires in the heart.*cochlear implant",
            "tell us about epilepsy",
        ),
        ("about 5 fewer attacks.*2.1 to 8.1.*11 to 26", "found fewer attacks with repeated"),
    ],
    "about": [
        ("how little is known about whether it helps", "have not shown it to help"),
    ],
    "about/funding-and-conflicts": [
        ("and the other way around", "Each claim has a source that you can open"),
    ],
    "about/how-we-write": [
        ("High.*Moderate.*Low.*Very low", "trials without a gain"),
    ],
    "conditions/suicidal-thoughts": [
        ("Few side effects were reported", "were told"),
        ("not been shown to prevent suicide or to reduce suicidal thoughts", "were told"),
    ],
    "ketamine-for-migraine/ketamine-or-not-now": [
        ("44 of 100, and in 31 of 100 with placebo", "for each 10 with placebo"),
        (
            "In one clinic report pain fell the same day, without a comparison group",
            "Nothing is lost by deciding later",
        ),
        ("harm to the bladder can be for good", "No trial has tested it"),
        ("trying ketamine with a goal and an end date can fit", "Preventive medicines as a group . Moderate"),
    ],
    "conditions/depression": [
        ("Anand 2023 *365", "Anand 2023 *403"),
    ],
    "ketamine-for-migraine/when-a-ketamine-clinic-is-a-bad-idea": [
        ("past stroke, aneurysm, liver", "watched"),
    ],
    "your-visit/what-to-bring": [
        ("aneurysm.*mania.*seizures, or bladder trouble", "The first six come"),
    ],
    "": [
        ("Other small trials disagree", "trials have not shown|no better than salt water"),
    ],
}
# What read as translated, wherever it stands in these guides.
NOT_ENGLISH = re.compile(
    r"\b(salt water or|told of|tell of|feel sick|watched|watches|watching|take back|put down to|"
    r"A clinic that uses this site writes|phone us)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def shown(django_db_setup, django_db_blocker):
    """What readers see at each page: its words without tags, a space for each."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_clinic", verbosity=0)
        call_command("load_pages", verbosity=0)
        client = Client()
        pages = {page.path: client.get(page.get_absolute_url()).text for page in Page.objects.public()}
        yield {path: words_of(html) for path, html in pages.items()}
        transaction.set_rollback(True)


def words_of(html):
    main = re.search("<main.*</main>", re.sub(r"<sup.*?</sup>", "", html), re.DOTALL)[0]
    text = strip_tags(re.sub(r"</t[hd]>|</li>|</p>", " ", main))
    return " ".join(text.replace("&quot;", '"').replace("&#x27;", "'").split())


@pytest.mark.parametrize(
    ("path", "says", "no_longer"),
    [(path, *statement) for path, statements in STATEMENTS.items() for statement in statements],
)
def test_a_page_says_what_its_sources_say(shown, path, says, no_longer):
    assert re.search(says, shown[path])
    assert not re.search(no_longer, shown[path])


def test_no_page_of_a_guide_reads_as_translated(shown):
    ours = [path for path in shown if path.split("/")[0] in {*GUIDES, "", "about", "questions-people-ask"}]

    assert {path: NOT_ENGLISH.findall(shown[path]) for path in ours if NOT_ENGLISH.search(shown[path])} == {}


def test_what_a_treatment_is_said_to_do_comes_with_how_sure_one_can_be(shown):
    rated = re.compile(r"certainty.*\b(very low|low|moderate|high)\b", re.IGNORECASE)
    of_results = re.compile(r"conditions|treatments$|.*does-it-work|treatments/(iv|nasal|tms)")
    unrated = [path for path in shown if of_results.match(path) and not rated.search(shown[path])]

    assert unrated == []


def rows(file):
    """Each row of each table: its words, and the keys beside them or in the row above that has some."""
    body = file.read_text().split(FENCE, 2)[2]
    for table in re.findall(r"^::: (?:table|plot)\b.*?\n(.*?)^:::$", body, re.MULTILINE | re.DOTALL):
        keys = []
        for line in table.splitlines()[2:]:
            keys = KEY.findall(line) or keys
            yield re.sub(r"\]\([^)]*\)", "]", KEY.sub("", line)), keys


def told_by(key):
    """The numbers that a source is said to have shown."""
    source = SOURCES[key]
    text = re.sub(r"\w+", lambda word: WORDS.get(word[0].lower(), word[0]), source["showed"])
    told = {*NUMBER.findall(text), str(source.get("sample_size", ""))}
    return told | set(re.findall(r"\d+", source.get("does_not_show", "")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_number_in_a_table_stands_in_what_its_source_showed(file):
    astray = {}
    for words, keys in rows(file):
        told = {number.replace(",", "") for key in keys for number in told_by(key)}
        found = {number.replace(",", "") for number in NUMBER.findall(NO_RESULT.sub("", words))}
        if found - told:
            astray[words] = found - told
    assert astray == {}


def test_a_sentence_with_an_end_date_is_left_out_when_that_day_is_over():
    box = re.compile(r"^::: until .*?^:::$", re.MULTILINE | re.DOTALL)
    ends = re.compile(r"\b(?:until|through) [A-Z][a-z]+ \d{1,2}, 20\d\d")
    bodies = {file.relative_to(STARTER): file.read_text() for file in STARTER.rglob("*.md")}
    dated = [part for body in bodies.values() for part in box.findall(body)]
    for_good = {name: found for name, body in bodies.items() if (found := ends.findall(box.sub("", body)))}

    assert any(ends.search(part) for part in dated)
    assert for_good == {}
