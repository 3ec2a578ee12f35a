"""The second factor: an app's code or a recovery code, and passkeys; setting them up and being asked."""

import base64
import hashlib
import json
import logging
import secrets
from datetime import datetime

import segno
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django_otp import devices_for_user, login, user_has_device
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn import exceptions, views
from django_otp_webauthn.models import WebAuthnCredential

from bookings.forms import QuestionForm
from clinic_site import attempts, sessions, tasks
from clinic_site.attempts import Kind

log = logging.getLogger("clinic.passkeys")

CODES = 10  # recovery codes at a time
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that looks like another
WRONG = "That is not the code of this moment. Check the clock of your phone, then type the newest code."
NO_WAITING = "Or use a recovery code now."

# A passkey with the longest certificates is some kilobytes of JSON, objects in objects four deep.
LONGEST_JSON, DEEPEST_JSON = 32_000, 50  # bytes; brackets that open


class CodeForm(QuestionForm):
    """A code, as people type it: with spaces or hyphens, in capitals or not."""

    code = forms.CharField(
        max_length=30,
        label="Code",
        error_messages={"required": "Type the code", "max_length": "A code is shorter than that"},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "none"}),
    )

    def clean_code(self):
        return "".join(self.cleaned_data["code"].replace("-", "").split()).lower()


def has_given(user: AbstractBaseUser) -> bool:
    """Whether this user, as a request brought them, has given the second factor."""
    return getattr(user, "otp_device", None) is not None


def matching(user: AbstractBaseUser, code: str) -> Device | None:
    """The device whose code this is; the code is used up with it. Each kind has its own length."""
    with transaction.atomic():
        for device in devices_for_user(user, for_verify=True):
            if isinstance(device, StaticDevice) and device.verify_token(_digest(code)):
                return device
            if isinstance(device, TOTPDevice) and device.verify_token(code):
                return device
    return None


def make_codes(user: AbstractBaseUser) -> list[str]:
    """New recovery codes in place of the old ones. Only their digests are kept: they are shown once.

    Each has 16 letters of 32, so 80 bits, and needs no slow hash.
    """
    length = attempts.RECOVERY_CODE
    codes = ["".join(secrets.choice(LETTERS) for _ in range(length)) for _ in range(CODES)]
    with transaction.atomic():
        device, _ = StaticDevice.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})
        device.token_set.all().delete()
        for code in codes:
            device.token_set.create(token=_digest(code))
    return ["-".join(code[at : at + 4] for at in range(0, length, 4)) for code in codes]


def ask(request):
    """Ask for the second factor of somebody whose password was right."""
    user, now = request.user, timezone.now()
    if has_given(user):
        return _go_on(request)
    if not user_has_device(user):
        return redirect(f"{resolve_url('set_up_second_factor')}?{request.GET.urlencode()}")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        attempt = attempts.at_a_code(request, user, form.cleaned_data["code"], now=now)
        device = matching(user, form.cleaned_data["code"]) if attempt.is_allowed else None
        if device:
            attempt.forgive()
            return confirmed(request, device, now=now)
        if attempt.is_allowed:
            attempts.note(Kind.WRONG_CODE, user, now=now)
        else:
            attempts.warn(user, "code", now=now)  # whoever this is knows the password
        form.add_error("code", WRONG if attempt.is_allowed else f"{attempt.refusal} {NO_WAITING}")
    has_passkey = WebAuthnCredential.objects.filter(user=user, confirmed=True).exists()
    context = {"form": form, "has_passkey": has_passkey, "has_given": False}
    return _show(request, "ask", "Confirm that it is you", context)


def set_up(request):
    """Bring an app into play; who has a second factor already must have given it."""
    user, now = request.user, timezone.now()
    if not has_given(user) and user_has_device(user):
        return redirect("second_factor")
    if sessions.has_app(user):
        return redirect("account")
    device, _ = TOTPDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": "Authenticator app"}
    )
    form = CodeForm(request.POST or None)
    if form.is_valid():
        if _take_into_use(device, form.cleaned_data["code"]):
            context = {"codes": make_codes(user), "next": _next(request)}
            response = _show(request, "codes", "Keep your recovery codes", context)
            tasks.record_change(Kind.ADDED, user, now=now)
            confirmed(request, device, now=now)
            attempts.know(response, user)
            return response
        form.add_error("code", WRONG)
    # Black on white whatever the display, since that is what cameras read; its border is part of it.
    picture = segno.make(device.config_url, error="m").svg_inline(
        scale=5, dark="#000", light="#fff", border=4
    )
    key = base64.b32encode(device.bin_key).decode()
    context = {
        "form": form,
        # Made by segno from our own address: plain shapes, nothing that somebody typed.
        "picture": mark_safe(picture),
        "key": " ".join(key[at : at + 4] for at in range(0, len(key), 4)),
        "is_required": settings.SECOND_FACTOR_REQUIRED,
    }
    return _show(request, "set_up", "Set up your second factor", context)


def confirmed(request: HttpRequest, device: Device, *, now: datetime):
    """The second factor was right: the session is theirs, under a new key. Answers with the way on."""
    login(request, device)
    request.session.cycle_key()
    attempts.record(Kind.CONFIRMED, request.user, now=now)
    response = _go_on(request)
    attempts.know(response, request.user)
    return response


class Ceremony:
    """What all requests about passkeys share: whose they may be, and that what is sent is small JSON.

    The package reads a body before it asks who sent it, as deep as it goes.
    """

    def dispatch(self, request, *args, **kwargs):
        if not request.user.is_authenticated:
            return self.handle_exception(exceptions.NotAuthenticated())
        is_json = request.content_type == "application/json"  # all else is at most a form, read by Django
        if is_json and request.body and not _is_small_json(request.body):
            return self.handle_exception(exceptions.MalformedRequest())
        return super().dispatch(request, *args, **kwargs)

    def handle_exception(self, exc):
        """What a browser says of a passkey has a shape; where it has another, nobody is at fault but it."""
        if isinstance(exc, AttributeError | LookupError | RecursionError | TypeError | ValueError):
            log.warning("What a browser says of a passkey cannot be read: %s", type(exc).__name__)
            exc = exceptions.UnprocessableEntity()
        return super().handle_exception(exc)


def _is_small_json(body):
    """Whether it is a JSON object of no more than a passkey needs: so few brackets cannot lie deep."""
    if len(body) > LONGEST_JSON or body.count(b"[") + body.count(b"{") > DEEPEST_JSON:
        return False
    try:
        given = json.loads(body)
        json.dumps(given, ensure_ascii=False).encode()  # no half of a character
    except ValueError:
        return False
    return isinstance(given, dict) and b"\\u0000" not in body


class BeginUsingPasskey(Ceremony, views.BeginCredentialAuthenticationView):
    pass


class OnlyForWhoHasGivenIt(Ceremony):
    """A passkey is added to an app, never in place of it: recovery codes come with the app."""

    def check_can_register(self):
        super().check_can_register()
        if not has_given(self.request.user):
            raise exceptions.NotVerified(detail="Give your second factor first.")


class BeginPasskey(OnlyForWhoHasGivenIt, views.BeginCredentialRegistrationView):
    pass


class KeepPasskey(OnlyForWhoHasGivenIt, views.CompleteCredentialRegistrationView):
    def post(self, *args, **kwargs):
        response = super().post(*args, **kwargs)
        device = sessions.in_words(self.request.headers.get("User-Agent", ""))
        kept = WebAuthnCredential.objects.filter(pk=json.loads(response.content)["id"])
        kept.update(name=f"Passkey ({device})")
        tasks.record_change(Kind.ADDED, self.request.user, now=timezone.now())
        attempts.know(response, self.request.user)
        return response


class UsePasskey(Ceremony, views.CompleteCredentialAuthenticationView):
    def complete_auth(self, device):
        confirmed(self.request, device, now=timezone.now())

    def post(self, *args, **kwargs):
        response = super().post(*args, **kwargs)
        attempts.know(response, self.request.user)
        return response


def _take_into_use(device, code):
    with transaction.atomic():
        locked = TOTPDevice.objects.select_for_update().filter(pk=device.pk, confirmed=False).first()
        if locked is None or not locked.verify_token(code):
            return False
        locked.confirmed = True
        locked.save()
    device.refresh_from_db()
    return True


def _digest(code):
    return base64.b32encode(hashlib.sha256(code.encode()).digest()).decode()[:16].lower()


def _next(request):
    address = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure())
    return address if is_ours else resolve_url("admin:index")


def _go_on(request):
    return redirect(_next(request))


def _show(request, name, title, context):
    context = {**admin.site.each_context(request), "title": title, **context}
    return render(request, f"admin/account/{name}.html", context)
