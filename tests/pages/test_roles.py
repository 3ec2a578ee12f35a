"""Each act of the pages' admin, tried by each role and by none. Only the named ones succeed."""

import importlib
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from pages.models import Page, Revision, Source
from tests.pages import make

pytestmark = pytest.mark.django_db
groups = importlib.import_module("pages.migrations.0004_groups")
EDITOR, REVIEWER = "Content editor", "Clinical reviewer"
ROLES = ["nobody", "patient", "staff", EDITOR, REVIEWER]


def member(role):
    """Somebody with this role. The groups are those that the migrations have made."""
    user = get_user_model().objects.create_user("member", is_staff=role != "patient")
    if role in groups.GROUPS:
        user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def waiting():
    """A public page with newer words that wait."""
    page = make.starter().page
    return make.proposed(page, title="Dark")


def look_at_pages(client, revision):
    return client.get("/staff/pages/page/").status_code == 200


def look_at_a_revision(client, revision):
    return client.get(f"/staff/pages/revision/{revision.pk}/change/").status_code == 200


def preview(client, revision):
    return client.get(f"/preview/{revision.pk}/").status_code == 200


def propose(client, revision):
    client.post(f"/staff/pages/page/{revision.page_id}/propose/", {**make.WORDS, "title": "Dim"})
    return Revision.objects.filter(title="Dim").exists()


def go_back(client, revision):
    client.post(f"/staff/pages/revision/{revision.pk}/again/", {"change_note": "Back"})
    return Revision.objects.filter(change_note="Back").exists()


def approve(client, revision):
    day = timezone.localdate()
    dates = {"reviewed_on": day, "review_due_on": day + timedelta(days=300)}
    client.post(f"/staff/pages/revision/{revision.pk}/approve/", dates)
    return Page.objects.get(pk=revision.page_id).live_id == revision.pk


def withdraw(client, revision):
    client.post(f"/staff/pages/page/{revision.page_id}/withdraw/", {"reason": "Wrong."})
    return Page.objects.get(pk=revision.page_id).live_id is None


def move(client, revision):
    client.post(f"/staff/pages/page/{revision.page_id}/move/", {"path": "bright"})
    return Page.objects.get(pk=revision.page_id).path == "bright"


def read_feedback(client, revision):
    return client.get("/staff/pages/feedback/").status_code == 200


def change_a_source(client, revision):
    source = Source.objects.get()
    fields = {"kind": "trial", "authors": "A", "title": "New", "year": 2018, "doi": "10.1/a"}
    client.post(f"/staff/pages/source/{source.pk}/change/", {**fields, "checked_on": "2027-03-08"})
    return Source.objects.filter(title="New").exists()


def delete_a_source(client, revision):
    client.post(f"/staff/pages/source/{Source.objects.get().pk}/delete/", {"post": "yes"})
    return not Source.objects.exists()


MATRIX = {
    look_at_pages: {EDITOR, REVIEWER},
    look_at_a_revision: {EDITOR, REVIEWER},
    preview: {EDITOR, REVIEWER},
    propose: {EDITOR},
    go_back: {EDITOR},
    approve: {REVIEWER},
    withdraw: {REVIEWER},
    move: {REVIEWER},
    read_feedback: {EDITOR},
    change_a_source: {EDITOR, REVIEWER},
    delete_a_source: set(),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", MATRIX, ids=lambda act: act.__name__)
def test_an_act_is_for_its_roles_alone(client, waiting, act, role):
    if role != "nobody":
        client.force_login(member(role))

    assert act(client, waiting) is (role in MATRIX[act])


def test_a_person_with_both_roles_still_needs_a_second_one(client):
    both = member(EDITOR)
    both.groups.add(Group.objects.get(name=REVIEWER))
    client.force_login(both)

    assert approve(client, make.proposed(by=both)) is False
    assert approve(client, make.proposed(make.page("other"), by=make.writer())) is True


def test_the_groups_are_made_before_any_right_exists():
    Group.objects.all().delete()
    Permission.objects.filter(content_type__app_label="pages").delete()

    groups.create_groups(apps, None)
    groups.create_groups(apps, None)

    made = {group.name: sorted(p.codename for p in group.permissions.all()) for group in Group.objects.all()}
    assert made == {name: sorted(rights) for name, rights in groups.GROUPS.items()}


def test_the_rights_have_the_names_django_gives_them():
    before = dict(Permission.objects.filter(content_type__app_label="pages").values_list("codename", "name"))
    Permission.objects.filter(content_type__app_label="pages").delete()

    groups.create_groups(apps, None)

    after = dict(Permission.objects.filter(content_type__app_label="pages").values_list("codename", "name"))
    assert after == {codename: before[codename] for codename in after}


@pytest.mark.parametrize("act", ["page/{0.page_id}/withdraw", "revision/{0.pk}/approve"])
def test_who_may_not_decide_is_not_even_asked(client, waiting, act):
    client.force_login(member(EDITOR))

    assert client.get(f"/staff/pages/{act.format(waiting)}/").status_code == 403
