"""Every page of the staff's part, tried by every role and by none. A new page fails until it stands here."""

import importlib
import re

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import RequestFactory
from django.urls import get_resolver, resolve
from django.views.generic import RedirectView

from bookings import trail
from bookings.models import AccountEvent, Change, Closure, Schedule
from pages.models import ClinicFact, Feedback, Redirect, Source, Synonym
from tests import make
from tests.pages import make as make_page

pytestmark = pytest.mark.django_db
desk_groups = importlib.import_module("bookings.migrations.0008_roles")
page_groups = importlib.import_module("pages.migrations.0004_groups")

DESK, DOC, BOSS = "Front desk", "Clinician", "Manager"
EDITOR, REVIEWER = "Content editor", "Clinical reviewer"
STRANGER, PATIENT, NEW, ROOT = "a stranger", "a patient", "staff without a role", "who runs the server"
ROLES = [STRANGER, PATIENT, NEW, DESK, DOC, BOSS, EDITOR, REVIEWER, ROOT]

# Who may look at a page, and who may send its form.
STAFF = {NEW, DESK, DOC, BOSS, EDITOR, REVIEWER, ROOT}
CLINIC = {DESK, DOC, BOSS, ROOT}
DECIDE = {DESK, BOSS, ROOT}
SET_UP = {BOSS, ROOT}
PAGES = {EDITOR, REVIEWER, ROOT}
WRITE = {EDITOR, ROOT}
REVIEW = {REVIEWER, ROOT}
NOBODY = set()


def model(route, *, look, add=NOBODY, change=NOBODY, delete=NOBODY):
    """The five pages that Django's admin has for a model."""
    return {
        f"{route}/": (look, look),
        f"{route}/add/": (add, add),
        f"{route}/<path:object_id>/change/": (look, change),
        f"{route}/<path:object_id>/history/": (look, look),
        f"{route}/<path:object_id>/delete/": (delete, delete),
    }


def acts(who, *names):
    """The pages of what can be done with a request."""
    return {f"bookings/appointmentrequest/<int:pk>/{name}/": (who, who) for name in names}


MATRIX = {
    "": (STAFF, STAFF),
    "mail/": (NOBODY, NOBODY),  # the demo's own, where mail is written to files
    "reports/": (SET_UP, SET_UP),
    "reports/save/": (SET_UP, SET_UP),
    "export/": (SET_UP, SET_UP),
    "second-factor/": (STAFF, STAFF),
    "second-factor/new/": (STAFF, STAFF),
    "account/": (STAFF, STAFF),
    "account/sessions/": (NOBODY, STAFF),
    # These two ask for the second factor, which nobody has given here.
    "account/codes/": (NOBODY, NOBODY),
    "account/remove/<path:device>/": (NOBODY, NOBODY),
    "colleagues/": (SET_UP, SET_UP),
    "colleagues/<int:pk>/": (SET_UP, SET_UP),
    "password_change/": (STAFF, STAFF),
    "password_change/done/": (STAFF, NOBODY),
    "jsi18n/": (STAFF, NOBODY),
    "^(?P<app_label>pages|bookings|auth)/$": (CLINIC, CLINIC),  # tried with bookings
    **model("bookings/location", look=CLINIC, add=SET_UP, change=SET_UP),
    **model("bookings/visittype", look=CLINIC, add=SET_UP, change=SET_UP),
    **model("bookings/schedule", look=CLINIC, add=SET_UP, change=SET_UP),
    **model("bookings/closure", look=CLINIC, add=SET_UP, change=SET_UP, delete={ROOT}),
    **model("bookings/appointmentrequest", look=CLINIC),
    **acts(DECIDE, "accept", "verify", "offer", "book", "waitlist", "decline", "withdraw"),
    **acts(DECIDE, "reschedule", "cancel", "error", "contact", "payment", "estimate", "estimate/print"),
    **acts(DECIDE, "send_estimate"),
    **acts(SET_UP, "person", "erase"),
    **acts(CLINIC, "arrive", "fulfil", "noshow", "undo_noshow", "phoned", "note"),
    "bookings/appointment/": (CLINIC, CLINIC),  # the day; it has no form, so both look
    "bookings/appointment/week/": (CLINIC, CLINIC),
    "bookings/appointment/phone/": (DECIDE, DECIDE),
    "bookings/appointment/offer/": (NOBODY, DECIDE),
    "bookings/appointment/<int:pk>/move/": (DECIDE, DECIDE),
    "bookings/appointment/<int:object_id>/change/": (CLINIC, CLINIC),  # leads to its request
    **model("bookings/viewing", look=SET_UP),
    **model("bookings/accountevent", look=SET_UP),
    **model("bookings/change", look=SET_UP),
    **model("pages/page", look=PAGES),
    "pages/page/<int:pk>/propose/": (WRITE, WRITE),
    "pages/page/<int:pk>/withdraw/": (REVIEW, REVIEW),
    "pages/page/<int:pk>/move/": (REVIEW, REVIEW),
    **model("pages/revision", look=PAGES),
    "pages/revision/<int:pk>/approve/": (REVIEW, REVIEW),
    "pages/revision/<int:pk>/again/": (WRITE, WRITE),
    **model("pages/source", look=PAGES, add=WRITE, change=PAGES),
    **model("pages/clinicfact", look=SET_UP, change=SET_UP),
    **model("pages/feedback", look=WRITE, delete=WRITE),
    **model("pages/synonym", look=WRITE, add=WRITE, change=WRITE, delete=WRITE),
    **model("pages/redirect", look=WRITE, add=WRITE, change=WRITE, delete=WRITE),
    **model("auth/group", look={ROOT}, add={ROOT}, change={ROOT}, delete={ROOT}),
    **model("auth/user", look={ROOT}, add={ROOT}, change={ROOT}, delete={ROOT}),
    "auth/user/<id>/password/": ({ROOT}, {ROOT}),
}
# Signing in and out is for everybody; these two only lead somewhere else; the others answer scripts.
NOT_PAGES = {
    "login/",
    "logout/",
    *("reset/", "reset/sent/", "reset/done/", "reset/<uidb64>/<token>/"),
    *("passkey/registration/begin/", "passkey/registration/complete/", "passkey/jsi18n/"),
    *("passkey/authentication/begin/", "passkey/authentication/complete/"),
    "r/<path:content_type_id>/<path:object_id>/",
    "(?P<url>.*)$",
    "autocomplete/",
}


def routes(patterns, before=""):
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, route)
        elif getattr(pattern.callback, "view_class", None) is not RedirectView:
            yield route


def test_every_page_of_the_staff_has_its_place_in_the_matrix():
    found = {
        route.removeprefix("staff/")
        for route in routes(get_resolver().url_patterns)
        if route.startswith("staff/")
    }

    assert found - NOT_PAGES == set(MATRIX)


def member(role):
    """Somebody with this role. The groups are those that the migrations have made."""
    if role == STRANGER:
        return AnonymousUser()
    if role == ROOT:
        return make.staff("root")
    user = get_user_model().objects.create_user("member", is_staff=role != PATIENT)
    if role in {*desk_groups.GROUPS, *page_groups.GROUPS}:
        user.groups.add(Group.objects.get(name=role))
    return user


def one_of_each(settings):
    """Something that every page can be about: its keys by the name of the model."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    asked = make.confirmed()
    page = make_page.starter().page
    closure = Closure.objects.create(location=asked.location, starts_at=make.NOW, ends_at=make.later(days=1))
    somebody = make.staff("somebody")
    words = make_page.proposed(page, by=somebody, title="Dark")
    return {
        "bookings/location": asked.location,
        "bookings/visittype": asked.visit_type,
        "bookings/schedule": Schedule.objects.get(),
        "bookings/closure": closure,
        "bookings/appointmentrequest": asked,
        "bookings/appointment": asked.appointments.get(),
        "bookings/viewing": trail.viewed(somebody, [asked], kind=trail.Kind.LIST, now=make.NOW),
        "bookings/change": Change.objects.first(),
        "bookings/accountevent": AccountEvent.objects.create(kind="refused", at=make.NOW),
        "account/remove": somebody,  # has no such device
        "colleagues": get_user_model().objects.create_user("lee", is_staff=True),
        "pages/page": page,
        "pages/revision": words,
        "pages/source": Source.objects.get(),
        "pages/clinicfact": ClinicFact.objects.create(key="legal_name", question="What is its name?"),
        "pages/feedback": Feedback.objects.create(page=page, useful=True, created_at=make.NOW),
        "pages/synonym": Synonym.objects.create(term="one", means="two"),
        "pages/redirect": Redirect.objects.create(old_path="old", page=page),
        "auth/group": Group.objects.create(name="Others"),
        "auth/user": somebody,
    }


def address(route, things):
    route = route.replace("^(?P<app_label>pages|bookings|auth)/$", "bookings/")
    about = re.match(r"(\w+/\w+|colleagues)/<", route)
    return "/staff/" + re.sub(r"<\w+:?\w+>", str(things[about[1]].pk) if about else "", route)


REFUSED = {401, 403, 404, 405}


def ask(method, path, user):
    """The status that somebody is answered with; the page is not drawn, so all of them take a second."""
    request = getattr(RequestFactory(), method)(path)
    request.user, request.session, request._dont_enforce_csrf_checks = user, {}, True
    request._messages = CookieStorage(request)
    view = resolve(path)
    try:
        answer = view.func(request, *view.args, **view.kwargs)
    except PermissionDenied:
        return 403
    except Http404:
        return 404
    login = answer.status_code == 302 and answer["Location"].startswith("/staff/login/")
    return 401 if login else answer.status_code


@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_and_acts_for_its_roles_alone(settings, role):
    things = one_of_each(settings)
    user = member(role)

    opened, acted = set(), set()
    for route in MATRIX:
        path = address(route, things)
        if ask("get", path, user) not in REFUSED:
            opened.add(route)
        if ask("post", path, user) not in REFUSED:
            acted.add(route)

    assert opened == {route for route, (look, act) in MATRIX.items() if role in look}
    assert acted == {route for route, (look, act) in MATRIX.items() if role in act}


def test_the_groups_are_made_before_any_right_exists_and_named_as_django_names_them():
    ours = Permission.objects.filter(content_type__app_label="bookings")
    names = dict(ours.values_list("codename", "name"))
    Group.objects.all().delete()
    ours.delete()

    desk_groups.create_groups(apps, None)
    desk_groups.create_groups(apps, None)

    made = {group.name: sorted(p.codename for p in group.permissions.all()) for group in Group.objects.all()}
    assert made == {name: sorted(rights) for name, rights in desk_groups.GROUPS.items()}
    again = dict(ours.values_list("codename", "name"))
    assert again == {codename: names[codename] for codename in again}


def test_no_role_at_the_desk_deletes_anything():
    rights = [right for rights in desk_groups.GROUPS.values() for right in rights]

    assert [right for right in rights if right.startswith("delete_")] == []
