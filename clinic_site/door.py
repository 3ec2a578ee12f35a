"""The door in front of all that staff may see.

A session whose time is over, or whose second factor was not given, is nobody's: on every page of the
site, save those that ask for the second factor.
"""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode
from django_otp.plugins.otp_totp.models import TOTPDevice

from bookings.models import StaffSession
from clinic_site.sessions import HAS_APP, ROW, goes_on, has_app
from clinic_site.views import form_expired, typed_before

# Pages for who has given only the password, and those for who has given nothing.
HALFWAY = ["second_factor", "set_up_second_factor", "admin:logout", "otp_webauthn:js-i18n-catalog"]
PASSKEY = ["otp_webauthn:credential-authentication-begin", "otp_webauthn:credential-authentication-complete"]
OUTSIDE = ["admin:login", "admin_password_reset", "password_reset_done", "password_reset_complete"]


def next_step(request: HttpRequest, user: AbstractBaseUser) -> str | None:
    """The name of the page that must come first, or None for who may go on."""
    device = getattr(user, "otp_device", None)
    if device is None:
        is_asked = settings.SECOND_FACTOR_REQUIRED or request.session.get(HAS_APP)
        return "second_factor" if is_asked else None
    if not settings.SECOND_FACTOR_REQUIRED or isinstance(device, TOTPDevice) or has_app(user):
        return None
    return "set_up_second_factor"


def guard(get_response):
    """Nobody is who they were once their time is over, or before they have given the second factor."""
    if not (settings.DEMO or settings.SECOND_FACTOR_REQUIRED):
        raise ImproperlyConfigured("Only the demo may go without a second factor: SECOND_FACTOR_REQUIRED.")

    def watch(request):
        now = timezone.now()
        known, step = request.user, None

        def whoever():
            nonlocal step
            if not known.is_authenticated:
                return known
            if not goes_on(request, known, now=now):
                return AnonymousUser()
            step = next_step(request, known)
            return AnonymousUser() if step and not _is_one_of(request, HALFWAY + PASSKEY) else known

        request.user = SimpleLazyObject(whoever)  # asked only where a page wants to know
        if not request.path.startswith(reverse("admin:index")):
            return get_response(request)
        row = request.session.get(ROW)
        if not request.user.is_authenticated and not _is_outside(request):
            if request.method == "POST" and typed_before(request):
                return form_expired(request)  # what was typed is kept through signing in anew
            if step:
                return redirect(f"{reverse(step)}?{urlencode({'next': request.get_full_path()})}")
        response = get_response(request)
        if row and ROW not in request.session:
            StaffSession.objects.filter(pk=row).delete()  # they have just signed out
        return response

    return watch


def _is_outside(request):
    return _is_one_of(request, OUTSIDE) or request.path.startswith(reverse("admin:index") + "reset/")


def _is_one_of(request, names):
    return request.path in {reverse(name) for name in names}
