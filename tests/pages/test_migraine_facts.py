"""What the pages on migraine must say, must not say, and where their numbers come from."""

import re
import tomllib

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils.html import strip_tags

from pages.management.commands.load_pages import FENCE, STARTER
from pages.models import Page
from tests.pages.test_numbers import CITED, numbers

FILES = sorted([STARTER / "migraine.md", *(STARTER / "migraine").rglob("*.md")])
SOURCES = tomllib.loads((STARTER / "sources.toml").read_text())
TABLE = re.compile(r"^::: (?:table|plot)\b.*?^:::$", re.MULTILINE | re.DOTALL)
BLOOD_VESSELS = "heart disease.*stroke.*TIA.*blood pressure"
ALL_TRIPTANS = "sumatriptan, rizatriptan, eletriptan, zolmitriptan, naratriptan, frovatriptan and almotriptan"
UNCERTAIN = "Other small trials disagree, and none tested a clinic infusion. The certainty is very low"
PAINFUL_EYE = "red, painful eye.*halos"
# What keeps readers from harm, and what stands beside a claim; in the order of the page.
MUST_SAY = {
    "treatments-compared": [
        "Candesartan.*Lisinopril.*Boxed warning.*unborn baby.*Stop as soon as",
        f"Not for people with {BLOOD_VESSELS}.*WPW.*severe liver disease",
        "24 hours of another triptan or an ergot.*2 weeks of an MAO-A",
        "those cautions are the same for every triptan",
        "high blood pressure, and painful cold fingers.*constipation may need a hospital",
        "liver failure, severe inflammation of the pancreas, harm to an unborn baby",
        "can become pregnant and don't use effective birth control",
        "weaker hormonal birth control, sudden glaucoma, suicidal thoughts",
        "Avoid them from 20 weeks of pregnancy",
        "College of Physicians, 2025.*The certainty is low.*Headache Society, 2024",
        r"add a triptan \(moderate certainty\).*add a triptan \(low certainty\)",
        "strongest placebo-controlled emergency trial found no benefit",
        UNCERTAIN,
        "Heart attack, stroke, bleeding in the stomach or gut",
    ],
    "treatments/preventive-medicines": [
        "all three can injure or kill an unborn baby",
        "kidney stones, and too much acid in the blood",
        "thoughts of suicide in children, teens and young adults up to 24",
        "Gabapentin is not recommended to prevent episodic migraine",
        "Children exposed before birth had lower IQ",
        "not soon after a heart attack",
        "mitochondrial disorder",
        "Boxed warning: never stop suddenly",
    ],
    "life-stages/pregnancy-and-breastfeeding": [
        "Candesartan, telmisartan and lisinopril can injure",
        "avoid from 20 weeks",
        "Low-dose aspirin that your doctor prescribed is an exception",
        "Nor codeine and tramadol",
        "extreme swelling of your hands or face",
        "for a year after a pregnancy",
    ],
    "types/with-aura": [
        "No birth control with estrogen if you have aura",
    ],
    "types/menstrual": [
        "If you have aura, no birth control with estrogen",
    ],
    "types/hemiplegic": [
        "Birth control with estrogen.*ruled out",
        f"No triptans and no ergots.*{ALL_TRIPTANS}.*dihydroergotamine",
    ],
    "types/brainstem-aura": [
        "Birth control with estrogen.*ruled out",
        f"No triptans and no ergots.*{ALL_TRIPTANS}.*dihydroergotamine",
    ],
    "types/retinal": [
        "Birth control with estrogen is ruled out",
        "2 of these 3.*doesn't have to be there",
    ],
    "life-stages/hormones-and-birth-control": [
        "category 4.*progestin",
    ],
    "treatments/acute-medicines": [
        "If one triptan is ruled out for you, all of them are",
        "avoid them from 20 weeks",
        "blood may stop reaching the brain, the hands or the feet",
        "movements that can't be controlled",
        "an option in 2021.*neither for nor against",
        "for all but aspirin: heart attack, stroke, and bleeding or holes in the stomach or gut",
    ],
    "cluster-headache": [
        f"All triptans and all ergot medicines.*{BLOOD_VESSELS}",
        "drooping eyelid or a changed pupil for the first time, call 911",
        "78 of 100 attacks within 15 minutes. With air it was 20 of 100.*Never smoke near oxygen",
        "In the episodic form, galcanezumab.*In the chronic form a trial found no clear effect",
        "at most 2 injections of 6 mg in 24 hours, an hour apart.*no evidence for triptan tablets",
    ],
    "life-stages/heart-disease-and-older-age": [
        f"Any triptan.*{BLOOD_VESSELS}",
        "giant cell arteritis",
        "bleeding in the stomach or gut",
        "older people with dementia",
    ],
    "treatments/cgrp-medicines": [
        "Allergic reactions.*High blood pressure.*Raynaud.*Constipation.*surgery",
        "rimegepant for episodic migraine only",
        "most often in the first week. Some people needed a hospital",
        "Stop, and call your doctor",
    ],
    "treatments/botox": [
        "trouble breathing.*effect can spread",
        "allergic to any botulinum toxin",
    ],
    "when-to-get-help-now": [
        "over 50.*chewing hurts your jaw.*scalp or temple is tender",
        "others at home feel ill too: go outside first.*carbon monoxide",
        "pregnant, or in the 6 weeks after you gave birth",
        "HIV, cancer or another reason for a weak immune system",
        "stand up, lie down, cough, strain or exercise",
        r"swelling at the back of your eye \(papilledema\)",
        "drooping eyelid or a pupil that has changed for the first time",
        "carbon monoxide, even if you live alone. Go outside and call 911",
        "rash that doesn.t fade when pressed",
    ],
    "helping-someone": [
        f"{PAINFUL_EYE}.*6 weeks after giving birth",
    ],
    "living-with-migraine": [
        "Headache Society.*don't need to try older.*College of Physicians.*older medicines",
    ],
    "types/without-aura": [
        UNCERTAIN,
    ],
    "types/status-migrainosus": [
        "no controlled trial for this type.*without a comparison group",
    ],
    "life-stages/children-and-teens": [
        "one report without a comparison group.*no controlled trial",
        "Under 40 kg .88 pounds., rizatriptan and propranolol must not be combined",
        "Nerivio",
        "Zolmitriptan, nasal spray",
        "rash that doesn.t fade when pressed",
    ],
    "treatments/interactions": [
        "Children under 40 kg .88 pounds. must not have both",
        "Valproate *Ammonia can build up",
        "An MAO inhibitor *Amitriptyline *Not now.*14 days",
        "Lithium can rise to a harmful level",
        "Ubrogepant *Clarithromycin, ketoconazole, itraconazole.*Not together",
    ],
    "treatments/devices": [
        "hearing implant.*metal in or near the neck.*epilepsy that is not under control.*heart failure",
    ],
}
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def words(django_db_setup, django_db_blocker):
    """The text of each public starter page on migraine, in one line, by its path."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_pages", verbosity=0)
        pages = Page.objects.public().select_related("live").filter(path__startswith="migraine")
        yield {
            page.path: " ".join(strip_tags(page.live.html + page.live.short_version).split())
            for page in pages
        }
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("path", "says"), [(path, says) for path, sentences in MUST_SAY.items() for says in sentences]
)
def test_a_page_on_migraine_says_what_keeps_its_readers_from_harm(words, path, says):
    assert re.search(says, words[f"migraine/{path}"])


@pytest.mark.parametrize(
    ("must_not_say", "because"),
    [
        ("(did|does) not beat", "other trials of ketamine disagree"),
        (
            r"over 50, or with a weak immune system\? A new headache needs a doctor today",
            "that is soon, not today",
        ),
        ("They are blood pressure medicines", "that hides the boxed warning"),
        ("[Aa]sk what (its|their) labels? warns? of", "that says nothing"),
        ("[Ii]t has not been studied", "reports without a comparison group exist"),
        ("sumatriptan, a triptan, is not for", "no triptan is"),
        (r"Gabapentin is not recommended to prevent (attacks|migraine)\b", "it is about episodic migraine"),
        ("do not need to (try|fail on) older medicines", "guidelines disagree"),
        (r"\b(salt water|feel sick|told of|sight)\b", "it is not said in the United States"),
        (r"\b(the name (fits|asks|needs|generally)|What marks)\b", "it is a diagnosis"),
    ],
)
def test_no_page_on_migraine_says_what_was_found_wrong(words, must_not_say, because):
    assert {path for path, text in words.items() if re.search(must_not_say, text)} == set(), because


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(STARTER)))
def test_every_number_in_a_table_on_migraine_is_in_what_its_source_showed(file):
    """In rows that cite a source. A dose is a number too: it must be the one that was studied."""
    rows = [row for table in TABLE.findall(file.read_text().split(FENCE, 2)[2]) for row in table.splitlines()]
    strange = {}
    for row in rows:
        showed = " ".join(SOURCES[key[2:-1]]["showed"] for key in CITED.findall(row))
        if showed and (missing := set(numbers(row)) - set(numbers(showed))):
            strange[row] = missing
    assert strange == {}


def test_the_page_for_emergencies_offers_the_call_before_anything_else(client):
    call_command("load_pages", verbosity=0)
    shown = client.get("/migraine/when-to-get-help-now/").text
    main = shown[shown.index("<main") :]

    assert main.index('<a href="tel:911">Call 911</a>') < main.index("The short version")
    assert main.index("The short version") < main.index("No clinician of this clinic has reviewed")
