"""Email to staff about their accounts, written and sent by the worker. A job names accounts by their ids."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from clinic_site import attempts, sessions

CHANGES = {
    attempts.Kind.ADDED: "An app or a passkey was added to it.",
    attempts.Kind.REMOVED: "An app or a passkey was removed from it.",
    attempts.Kind.CHANGED: "Its password was changed.",
    attempts.Kind.NEW_CODES: "New recovery codes were made for it. The old ones stopped working.",
}
AGAIN = RetryStrategy(max_attempts=5, linear_wait=60)


@app.task(name="owe_reset_links")
def owe_reset_links(user_ids):
    """Owe these accounts (mostly one or none) a link for a new password, where they have none that opens.

    Counted here, once however often sending fails, and not where somebody waits for the page: an address
    without an account takes as long.
    """
    for user in get_user_model().objects.filter(pk__in=user_ids, is_active=True):
        if attempts.may_send_a_link(user, now=timezone.now()):
            send_reset_link.defer(user_ids=[user.pk])


@app.task(name="send_reset_link", retry=AGAIN)
def send_reset_link(user_ids):
    """Send these accounts a link for a new password."""
    for user in get_user_model().objects.filter(pk__in=user_ids, is_active=True):
        uid = urlsafe_base64_encode(force_bytes(user.pk))
        path = reverse("password_reset_confirm", args=[uid, default_token_generator.make_token(user)])
        minutes = settings.PASSWORD_RESET_TIMEOUT // 60
        _send(user, "A new password", "password_reset", {"path": path, "minutes": minutes})
        attempts.record(attempts.Kind.RESET, user, now=timezone.now())


@app.task(name="tell_recovered", retry=AGAIN)
def tell_recovered(user_id):
    """Tell somebody that a manager has reset their second factor."""
    user = get_user_model().objects.get(pk=user_id)
    if user.email:
        _send(user, "Your second factor was reset", "second_factor_reset", {"path": reverse("admin:index")})


def record_change(kind: attempts.Kind, user, *, now: datetime) -> None:
    """Record what was done to an account in its owner's name, and let the owner know in case it was not them.

    The email is owed with the change: both happen or neither.
    """
    with transaction.atomic():
        attempts.record(kind, user, now=now)
        tell_changed.defer(user_id=user.pk, kind=str(kind))


@app.task(name="tell_changed", retry=AGAIN)
def tell_changed(user_id, kind, by_superuser=False):
    """Tell somebody what was done, in their name or by a superuser, to their password or second factor."""
    user = get_user_model().objects.get(pk=user_id)
    if user.email:
        context = {"path": reverse("account"), "done": CHANGES[kind], "by_superuser": by_superuser}
        _send(user, "Your account was changed", "changed", context)


@app.task(name="tell_guessing", retry=AGAIN)
def tell_guessing(user_id, of):
    """Warn somebody of many failed attempts at the “password” or the “code” of their account."""
    user = get_user_model().objects.get(pk=user_id)
    if user.email:
        path = reverse("admin_password_reset")
        _send(user, "Failed sign-ins to your account", "guessing", {"path": path, "of": of})


@app.periodic(cron="53 * * * *")
@app.task(name="forget_staff_sessions")
def forget_staff_sessions(timestamp):
    """Delete the rows of browsers in which staff are not signed in any more."""
    sessions.forget(now=timezone.now())


def _send(user, subject, template, context):
    context = {"user": user, "clinic": settings.CLINIC, "site_url": settings.SITE_URL, **context}
    text = render_to_string(f"email/account_{template}.txt", context)
    send_mail(f"{subject} ({settings.CLINIC['name']})", text, None, [user.email])
