import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from pages import publishing
from pages.management.commands.load_pages import Loading
from pages.models import Page, Revision, Source
from tests.pages import make

pytestmark = pytest.mark.django_db

SOURCES = """
[schwenk-2018]
kind = "trial"
authors = "Schwenk ES"
title = "Headache"
year = 2018
doi = "10.1/a"
checked_on = 2027-03-08
"""
PAGE = """+++
kind = "plain"
title = "{title}"
summary = "Why light hurts."
sources_checked_on = 2027-03-08
change_note = "First version"
+++

Light can hurt [@schwenk-2018].
{more}
"""


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "light.md")
    (tmp_path / "sources.toml").write_text(SOURCES)
    return tmp_path


def write(folder, name, title="Light", more=""):
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(PAGE.format(title=title, more=more))


def load(folder):
    out = StringIO()
    call_command("load_pages", folder=folder, stdout=out)
    return out.getvalue()


def refusal(folder):
    with pytest.raises(CommandError) as error:
        load(folder)
    return str(error.value).splitlines()


def test_pages_and_their_sources_come_in(folder):
    write(folder, "light/at-night.md", title="At night")

    assert load(folder) == "Starter pages loaded: 2 new or changed.\n"
    assert [(page.path, page.parent and page.parent.path) for page in Page.objects.public()] == [
        ("light", None),
        ("light/at-night", "light"),
    ]
    assert Source.objects.get().short_name == "Schwenk 2018"


def test_loading_again_changes_nothing(folder, django_assert_max_num_queries):
    load(folder)

    with django_assert_max_num_queries(9):
        assert load(folder) == ""
    assert Revision.objects.count() == 1


def test_a_changed_file_makes_a_new_revision(folder):
    load(folder)
    write(folder, "light.md", title="Bright light")

    assert load(folder) == "Starter pages loaded: 1 new or changed.\n"
    assert Page.objects.get().live.title == "Bright light"


def test_a_page_that_staff_have_edited_is_left_alone_by_name(folder):
    load(folder)
    make.proposed(Page.objects.get())
    write(folder, "light.md", title="Bright light")

    assert load(folder) == "Left alone, for staff have edited it: /light/\n"
    assert Page.objects.get().live.title == "Light"


def test_a_page_that_staff_have_moved_is_left_alone_and_those_below_it_stay_there(folder):
    write(folder, "light/at-night.md", title="At night", more="[Light](/light/)")
    load(folder)
    publishing.move(Page.objects.get(path="light"), by=make.reviewer(), path="bright")
    write(folder, "light.md", title="Bright light")

    assert load(folder) == "Left alone, for staff have moved it: /light/ is /bright/ now\n"
    assert list(Page.objects.values_list("path", "live__title", "parent__path")) == [
        ("bright", "Light", None),
        ("light/at-night", "At night", "bright"),
    ]


def test_a_changed_source_is_updated_unless_staff_have_edited_it(folder):
    load(folder)
    (folder / "sources.toml").write_text(SOURCES.replace("10.1/a", "10.1/b"))
    load(folder)
    assert Source.objects.get().doi == "10.1/b"

    Source.objects.update(is_starter=False)
    (folder / "sources.toml").write_text(SOURCES.replace("10.1/a", "10.1/c"))

    assert load(folder) == "Left alone, for staff have edited it: source schwenk-2018\n"
    assert Source.objects.get().doi == "10.1/b"


def test_all_problems_are_told_with_file_and_line_and_nothing_is_loaded(folder):
    write(folder, "dark.md", more="\n*No* [@nobody-1900].")
    (folder / "bare.md").write_text("Hello")
    (folder / "Bad.md").write_text((folder / "light.md").read_text())

    assert refusal(folder) == [
        "The starter pages were not loaded.",
        "bare.md:1: The file starts with TOML between two lines of +++.",
        "Bad.md:1: Write a path like ketamine-for-migraine/does-it-work.",
        "dark.md:11: There are no italics here; write **bold**, or plain words.",
        "dark.md:11: There is no source [@nobody-1900].",
    ]
    assert (Page.objects.count(), Source.objects.count()) == (0, 0)


def test_front_matter_says_everything_and_nothing_else(folder):
    text = (folder / "light.md").read_text()
    (folder / "light.md").write_text(text.replace("change_note", "change_notes"))
    assert refusal(folder)[1:] == ["light.md:1: The front matter has no change_note."]

    (folder / "light.md").write_text(text.replace("kind", 'colour = "red"\nkind'))
    assert refusal(folder)[1:] == ["light.md:1: The front matter has no use for colour."]


def test_toml_that_cannot_be_read_is_a_problem(folder):
    (folder / "sources.toml").write_text("[")

    assert refusal(folder)[1].startswith("sources.toml: The TOML cannot be read: ")


def test_a_source_that_cannot_be_found_is_a_problem(folder):
    (folder / "sources.toml").write_text(SOURCES.replace('doi = "10.1/a"', ""))

    assert refusal(folder)[1] == (
        "sources.toml: [schwenk-2018] Give a DOI, a PMID or an address, so that readers can find it."
    )


def test_pages_of_one_run_may_link_to_each_other(folder):
    write(folder, "a.md", more="[b](/light/)")
    write(folder, "light.md", more="[a](/a/)")

    assert load(folder) == "Starter pages loaded: 2 new or changed.\n"


def test_a_page_that_is_moved_while_pages_come_in_stays_where_it_was_moved(real_commits, folder, monkeypatch):
    load(folder)
    page, by, parent = Page.objects.get(), make.reviewer(), Loading.parent

    def move():
        publishing.move(page, by=by, path="bright")
        connection.close()

    mover = threading.Thread(target=move)

    def meanwhile(self, path, pages):
        mover.start()
        mover.join(0.3)  # it waits until all pages are in
        return parent(self, path, pages)

    monkeypatch.setattr(Loading, "parent", meanwhile)
    file = folder / "light.md"
    file.write_text(file.read_text().replace("title", "position = 3\ntitle", 1))

    load(folder)
    mover.join()

    page.refresh_from_db()
    assert (page.path, page.position) == ("bright", 3)
