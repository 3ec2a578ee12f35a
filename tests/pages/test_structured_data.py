import json
import re

import pytest

from tests.pages import make

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000"


def graph(client, path):
    shown = client.get(path).content.decode()
    script = re.search(r'<script type="application/ld\+json">(.*?)</script>', shown, re.S)[1]
    return {node["@type"]: node for node in json.loads(script)["@graph"]}


def test_a_page_describes_itself_and_its_sources(client):
    make.source(pmid="29923953", journal="Pain")
    make.starter()

    page = graph(client, "/light/")["MedicalWebPage"]

    assert page["url"] == f"{SITE}/light/"
    assert page["name"] == "Light"
    assert page["dateModified"] == "2027-03-08"
    assert page["citation"] == [
        {
            "@type": "ScholarlyArticle",
            "name": "Headache",
            "author": "Schwenk ES, Dayan AC",
            "isPartOf": {"@type": "Periodical", "name": "Pain"},
            "datePublished": "2018",
            "url": "https://doi.org/10.1/a",
            "identifier": {"@type": "PropertyValue", "propertyID": "DOI", "value": "10.1/a"},
            "sameAs": "https://pubmed.ncbi.nlm.nih.gov/29923953/",
        }
    ]


def test_a_review_is_named_only_where_there_was_one(client):
    revision = make.starter()
    assert "reviewedBy" not in graph(client, "/light/")["MedicalWebPage"]

    make.approved(revision)
    page = graph(client, "/light/")["MedicalWebPage"]

    assert (page["reviewedBy"]["name"], page["lastReviewed"], page["expires"]) == (
        "Ada Ng",
        "2027-03-08",
        "2028-03-01",
    )


def test_the_breadcrumb_ends_with_the_page_itself(client):
    hub = make.page("migraine", kind="hub")
    make.starter(hub, title="Migraine")
    make.starter(make.page("migraine/light", parent=hub))

    crumbs = graph(client, "/migraine/light/")["BreadcrumbList"]["itemListElement"]

    assert [(crumb["name"], crumb.get("item")) for crumb in crumbs] == [
        ("Home", f"{SITE}/"),
        ("Migraine", f"{SITE}/migraine/"),
        ("Light", None),
    ]


def test_no_words_can_end_the_data_block(client):
    make.starter(title="</script><script>alert(1)</script> & more")

    shown = client.get("/light/").content.decode()

    assert "<script>alert" not in shown
    assert graph(client, "/light/")["MedicalWebPage"]["name"] == "</script><script>alert(1)</script> & more"
