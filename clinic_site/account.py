"""A member of staff's own account, and a manager's help for a colleague who has lost the second factor."""

from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from bookings.forms import QuestionForm
from clinic_site import attempts, second_factor, sessions, tasks
from clinic_site.attempts import Kind


class AccountAdmin(UserAdmin):
    """Django's own; who is given a new password by a superuser is told, as of any other."""

    def user_change_password(self, request, id, form_url=""):
        with transaction.atomic():  # changed and told of, or neither
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == 302:
                owner = self.get_object(request, id)
                attempts.record(Kind.CHANGED, owner, by=request.user, now=timezone.now())
                tasks.tell_changed.defer(user_id=owner.pk, kind=str(Kind.CHANGED), by_superuser=True)
        return response


OURS = (TOTPDevice, WebAuthnCredential)  # what is listed and can be removed; recovery codes are made anew


class PasswordForm(QuestionForm):
    """The password asked again before something that weakens an account."""

    password = forms.CharField(
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Type your password"},
        strip=False,
        max_length=attempts.LONGEST_PASSWORD,
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self):
        attempt = attempts.at_own_password(self.user, now=timezone.now())
        if not attempt.is_allowed:
            raise ValidationError(attempt.refusal)
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError("That is not your password. Type it again.")
        attempt.forgive()


def show(request):
    """Where somebody is signed in, and what their second factor is."""
    now = timezone.now()
    context = {
        "sessions": sessions.open_sessions(request.user, now=now),
        "this_one": request.session.get(sessions.ROW),
        "devices": [device for device in devices_for_user(request.user) if isinstance(device, OURS)],
        "codes_left": StaticToken.objects.filter(device__user=request.user).count(),
        "has_given": second_factor.has_given(request.user),
        "passkeys_at": settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0],
        "has_passkeys": urlsplit(settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0]).netloc == request.get_host(),
        "may_recover": request.user.has_perm("bookings.recover_colleague"),
    }
    return _page(request, "account", "Your account", context)


@require_POST
def end_sessions(request):
    """End one session of one's own, or all others."""
    only = request.POST.get("session", "")
    if only and not only.isdecimal():
        raise Http404
    this_one = request.session.get(sessions.ROW)
    number = sessions.end(request.user, only=int(only)) if only else sessions.end(request.user, but=this_one)
    attempts.record(Kind.ENDED, request.user, now=timezone.now())
    messages.success(request, "That browser is signed out." if number == 1 else f"{number} are signed out.")
    return redirect("account")


def new_codes(request):
    """New recovery codes, in place of the old ones."""
    _only_with_second_factor(request)
    form = PasswordForm(request.POST or None, user=request.user)
    if form.is_valid():
        tasks.record_change(Kind.NEW_CODES, request.user, now=timezone.now())
        context = {"codes": second_factor.make_codes(request.user), "next": reverse("account")}
        return _page(request, "codes", "Keep your recovery codes", context)
    context = {"form": form, "act": "Make new codes", "words": "The codes you have now stop working."}
    return _page(request, "password", "New recovery codes", context)


def remove(request, device):
    """Remove an app or a passkey of one's own; `device` is its persistent id."""
    _only_with_second_factor(request)
    found = next((one for one in devices_for_user(request.user) if one.persistent_id == device), None)
    if not isinstance(found, OURS):
        raise Http404
    form = PasswordForm(request.POST or None, user=request.user)
    if form.is_valid():
        found.delete()
        tasks.record_change(Kind.REMOVED, request.user, now=timezone.now())
        messages.success(request, f"{found.name} is removed.")
        response = redirect("account")
        attempts.know(response, request.user)
        return response
    words = f"You cannot sign in with “{found.name}” any more."
    if isinstance(found, TOTPDevice):
        words += " You will set up a new app at once, so have your phone at hand."
    return _page(
        request, "password", "Remove a second factor", {"form": form, "act": "Remove", "words": words}
    )


@permission_required("bookings.recover_colleague", raise_exception=True)
def colleagues(request):
    """Whom a manager can help."""
    people = get_user_model().objects.filter(is_active=True, is_staff=True).order_by("username")
    people = [person for person in people if may_recover(request.user, person)]
    return _page(request, "colleagues", "Colleagues", {"people": people})


@permission_required("bookings.recover_colleague", raise_exception=True)
def recover(request, pk):
    """Take a colleague's second factor away, so that they set up a new one when they next sign in."""
    colleague = get_object_or_404(get_user_model(), pk=pk, is_active=True, is_staff=True)
    if not may_recover(request.user, colleague):
        raise PermissionDenied
    if request.method == "POST":
        with transaction.atomic():
            for device in devices_for_user(colleague, confirmed=None):
                device.delete()
            sessions.end(colleague)
            attempts.record(Kind.RECOVERED, colleague, by=request.user, now=timezone.now())
            tasks.tell_recovered.defer(user_id=colleague.pk)
        messages.success(request, f"{colleague} will set up a new second factor at the next sign-in.")
        return redirect("colleagues")
    return _page(request, "recover", "Reset a second factor", {"colleague": colleague})


def may_recover(manager, colleague) -> bool:
    """Nobody resets their own, and only who runs the server that of somebody who runs it."""
    return manager != colleague and (manager.is_superuser or not colleague.is_superuser)


def _only_with_second_factor(request):
    """The password alone must not be enough to weaken an account that has more (in the demo as well)."""
    if not second_factor.has_given(request.user):
        raise PermissionDenied


def _page(request, name, title, context):
    context = {**admin.site.each_context(request), "title": title, **context}
    return render(request, f"admin/account/{name}.html", context)
