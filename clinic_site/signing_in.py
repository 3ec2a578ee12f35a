"""The two forms at the door: the password, and the wish for a new one."""

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import PasswordResetForm
from django.core.exceptions import ValidationError
from django.utils import timezone

from clinic_site import attempts, tasks
from clinic_site.attempts import Kind


class SignInForm(AdminAuthenticationForm):
    """Django's own, with tries limited: the same words and the same work whether a name exists or not."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "The username or the password is not right. Capital and small letters matter.",
    }

    def clean(self):
        name, now = self.cleaned_data.get("username"), timezone.now()
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        attempt = attempts.at_the_password(self.request, name, now=now)
        if not attempt.is_allowed:
            raise ValidationError(attempts.LOCKED, code="locked")
        try:
            cleaned = super().clean()
        except ValidationError:
            attempts.record(Kind.REFUSED, attempt.user, now=now)
            raise
        attempt.forgive()
        attempts.record(Kind.PASSWORD, attempt.user, now=now)
        return cleaned


class ResetForm(PasswordResetForm):
    """Django's own; the worker writes the e-mail, so that an address without an account takes as long."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "Enter the e-mail address of your account",
            "invalid": "Enter an e-mail address in the correct format, like name@example.com",
        },
    )

    def save(self, *, request, **options):
        email = self.cleaned_data["email"]
        if attempts.may_ask_for_a_link(request, email, now=timezone.now()):
            tasks.send_reset_link.defer(user_ids=[user.pk for user in self.get_users(email)])
