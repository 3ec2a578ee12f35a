"""Whose page it is: every address of a patient's own, tried with what belongs to somebody else.

A new address with something that varies in it fails here until it is said what opens it.
"""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone

from bookings import lifecycle, links, messages
from bookings.models import AppointmentRequest, Message
from tests import make
from tests.bookings.conftest import ALL
from tests.bookings.test_roles import routes

pytestmark = pytest.mark.django_db

# What anybody may read, and what is the staff's (tests/pages/test_roles.py).
PUBLIC = {"<path:path>/", "<path:path>/all/", "feedback/<path:path>/", "feedback-received/<path:path>/"}
PUBLIC |= {"locations/<slug:slug>/", "preview/<int:pk>/"}
OF_A_JOURNEY = {
    f"request-an-appointment/<uuid:journey>/{page}/"
    for page in ("<step:step>", "when/<other_when:other>", "sent", "sent/again", "sent/contact", "sent/undo")
}
OF_A_LINK = {"confirm/": "confirm_request", "manage/": "manage_request"}
LINKED = {
    *("confirm/<str:token>/", "confirm/<str:token>/new-link/"),
    *(
        f"manage/<str:token>/{page}"
        for page in ("", "appointment.ics", "estimate/", "new-link/", "<act:act>/")
    ),
}
CHOICES = {"<step:step>": "check", "<other_when:other>": "days", "<act:act>": "cancel"}


def test_every_address_in_which_something_varies_is_tried_here_or_public():
    found = {route for route in routes(get_resolver().url_patterns) if re.search("[<(]", route)}

    assert {route for route in found if not route.startswith("staff/")} == PUBLIC | OF_A_JOURNEY | LINKED


def everything():
    """A fingerprint of all rows, save sessions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall() if name != "django_session"]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', md5(string_agg(t::text, '' ORDER BY t::text)) FROM \"{name}\" AS t"  # noqa: S608
                for name in tables
            )
        )
        return dict(cursor.fetchall())


def filled(route, **given):
    for part, value in {**CHOICES, **given}.items():
        route = route.replace(part, str(value))
    return f"/{route}"


def test_what_belongs_to_somebody_else_opens_nothing_says_nothing_and_changes_nothing(client, walk, room):
    walk(*ALL)  # this browser has a journey, and a request, of its own
    others = type(client)()
    now = timezone.now()
    theirs = lifecycle.submit(
        submission=uuid.uuid4(),
        location=room.location,
        patient_name="Qxzname",
        contact_by="email",
        email="qxz@example.com",
        asks_for="call",
        now=now,
    )
    mine = AppointmentRequest.objects.exclude(pk=theirs.pk).get()
    session = others.session
    session["journeys"] = {str(theirs.submission): {"sent": theirs.reference}}
    session.save()
    others.cookies["sessionid"] = session.session_key
    assert others.get(f"/request-an-appointment/{theirs.submission}/sent/").status_code == 200
    before, wrong = everything(), []

    def try_(address, *methods):
        for method in methods:
            answer = getattr(client, method)(address)
            said = answer.text.replace(address, "").lower()  # which the page may repeat
            if answer.status_code != 404 or "qxz" in said or theirs.reference.lower() in said:
                wrong.append((method, address, answer.status_code))

    for route in OF_A_JOURNEY:
        try_(filled(route, **{"<uuid:journey>": theirs.submission}), "get", "head", "post")
    for route in LINKED:
        purpose = next(purpose for start, purpose in OF_A_LINK.items() if route.startswith(start))
        [other] = {*OF_A_LINK.values()} - {purpose}
        own, foreign = (links.token(asked, purpose, now=now) for asked in (mine, theirs))
        spliced = f"{foreign.rpartition(':')[0]}:{own.rpartition(':')[2]}"
        old = links.token(theirs, purpose, now=now - links.LASTS - timedelta(seconds=1))
        for token in (theirs.pk, theirs.reference, theirs.submission, foreign[:-1], old):
            try_(filled(route, **{"<str:token>": token}), "get")
        for token in (links.token(theirs, other, now=now), spliced):
            try_(filled(route, **{"<str:token>": token}), "get", "post")

    assert (wrong, everything()) == ([], before)


def test_no_link_of_any_message_changes_anything_however_often_a_machine_looks(client, settings):
    kim, room = make.staff(), make.schedule()
    book = [make.accepted(room, starts_at=make.WEDNESDAY_9 + timedelta(hours=number)) for number in range(2)]
    asked = {
        "unverified": make.submitted(email="bo@example.com", starts_at=make.WEDNESDAY_9 + timedelta(hours=2)),
        "waitlisted": make.waitlisted(email="cy@example.com"),
        "accepted": book[0],
    }
    lifecycle.cancel(book[1], by=kim, now=make.NOW)
    offered = make.confirmed(starts_at=make.WEDNESDAY_9, email="di@example.com")
    choice = lifecycle.Choice(
        offered.visit_type, offered.location, make.WEDNESDAY_9 + timedelta(hours=1), schedule=None
    )
    asked["offered"] = lifecycle.offer(offered, choice, by=kim, now=make.NOW)
    for request in asked.values():
        request.refresh_from_db()
    texts = [
        messages.words(request, kind, now=make.NOW, starts_at=make.WEDNESDAY_9)[1]
        for request in asked.values()
        for kind in Message.Kind
    ]
    # Without pages of ours there is no home page here.
    ours = {link for text in texts for link in re.findall(rf"{settings.SITE_URL}(/\S+)", text)}
    before, answers = everything(), {}

    for link in ours:
        for look in (client.get, client.head, client.get):
            answers.setdefault(link, set()).add(look(link, headers={"Sec-Purpose": "prefetch"}).status_code)

    assert everything() == before
    assert len([link for link in ours if link.startswith(("/manage/", "/confirm/"))]) == 8
    assert set.union(*answers.values()) <= {200, 302}, answers
