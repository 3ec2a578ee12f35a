"""E-mail to staff about their accounts, written and sent by the worker. A job names accounts by their ids."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from clinic_site import attempts

AGAIN = RetryStrategy(max_attempts=5, linear_wait=60)


@app.task(name="send_reset_link", retry=AGAIN)
def send_reset_link(user_ids):
    """Send these accounts (mostly one or none) a link for a new password."""
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


def _send(user, subject, template, context):
    context = {"user": user, "clinic": settings.CLINIC, "site_url": settings.SITE_URL, **context}
    text = render_to_string(f"email/account_{template}.txt", context)
    send_mail(f"{subject} ({settings.CLINIC['name']})", text, None, [user.email])
