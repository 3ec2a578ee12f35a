"""The forms at the door: the password, the wish for a new one, and the new one itself."""

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.urls import reverse_lazy
from django.utils import timezone

from clinic_site import attempts, second_factor, tasks
from clinic_site.attempts import Kind

NO_WAITING = "Or choose a new password below, and sign in on this device right away."


NOT_LONGER = MaxLengthValidator(
    attempts.LONGEST_PASSWORD, f"A password has at most {attempts.LONGEST_PASSWORD:,} characters"
)


class SignInForm(AdminAuthenticationForm):
    """Django's own, with tries limited: the same words and the same work whether a name exists or not."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "The username or the password is not right. Capital and small letters matter.",
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _bound(self)

    def clean(self):
        name, now = self.cleaned_data.get("username"), timezone.now()
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        attempt = attempts.at_the_password(self.request, name, now=now)
        if not attempt.is_allowed:
            raise ValidationError(f"{attempt.refusal} {NO_WAITING}", code="locked")
        try:
            cleaned = super().clean()
        except ValidationError:
            attempts.note(Kind.REFUSED, attempt.user, now=now)
            raise
        attempt.forgive()
        attempts.record(Kind.PASSWORD, attempt.user, now=now)
        return cleaned


class ResetForm(PasswordResetForm):
    """Django's own; the worker writes the email, so that an address without an account takes as long."""

    email = forms.EmailField(
        label="Email address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "Enter the email address of your account",
            "invalid": "Enter an email address in the correct format, like name@example.com",
        },
    )

    def save(self, *, request, **options):
        user_ids = [user.pk for user in self.get_users(self.cleaned_data["email"])]
        if attempts.may_ask_for_a_link(request, user_ids, now=timezone.now()):
            tasks.owe_reset_links.defer(user_ids=user_ids)


class ChangeForm(PasswordChangeForm):
    """Django's own, with tries at the old password limited: who finds a screen unlocked cannot guess it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _bound(self)

    def clean_old_password(self):
        attempt = attempts.at_own_password(self.user, now=timezone.now())
        if not attempt.is_allowed:
            raise ValidationError(attempt.refusal, code="locked")
        old_password = super().clean_old_password()
        attempt.forgive()
        return old_password


class ChooseForm(SetPasswordForm):
    """Django's own, for a new password without the old one."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _bound(self)


class Change(PasswordChangeView):
    """A new password for who knows the old one. The owner is told, and this device stays known."""

    form_class = ChangeForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_context_data(self, **kwargs):
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}

    def form_valid(self, form):
        with transaction.atomic():  # changed and told of, or neither
            response = super().form_valid(form)
            tasks.record_change(Kind.CHANGED, form.user, now=timezone.now())
        if second_factor.has_given(self.request.user):
            attempts.know(response, form.user)
        return response


class Choose(PasswordResetConfirmView):
    """A new password for who was sent a link. Whoever reads the owner's mail may try it here at once.

    So a stranger's tries never keep an owner out: this device has a count of its own from now on.
    """

    form_class = ChooseForm

    def form_valid(self, form):
        with transaction.atomic():  # changed and told of, or neither
            response = super().form_valid(form)
            tasks.record_change(Kind.CHANGED, form.user, now=timezone.now())
        attempts.know(response, form.user, by_link=True)
        return response


def _bound(form):
    """Nothing is hashed that is longer than anybody types."""
    for field in form.fields.values():
        if isinstance(field.widget, forms.PasswordInput):
            field.validators.append(NOT_LONGER)
