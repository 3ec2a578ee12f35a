"""Where staff are signed in, and what happened to their accounts."""

from django.conf import settings
from django.db import models


class StaffSession(models.Model):
    """One browser in which somebody of the staff is signed in. Written by clinic_site.sessions alone.

    A session of Django's whose row is gone, or too old, is nobody's.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    device = models.CharField(max_length=40, help_text="In words, like “Firefox on Windows”.")
    began_at = models.DateTimeField()
    used_at = models.DateTimeField()

    class Meta:
        ordering = ["-used_at", "-pk"]
        default_permissions = []

    def __str__(self):
        return f"{self.device}, since {self.began_at:%Y-%m-%d %H:%M} UTC"


class AccountEvent(models.Model):
    """What happened to an account: which one, never what was typed or from which address.

    Rows are added and never changed or removed; a trigger sees to it.
    """

    class Kind(models.TextChoices):
        PASSWORD = "password", "signed in with the password"
        REFUSED = "refused", "wrong name or password"
        LOCKED = "locked", "too many failed attempts: locked for a while"
        CONFIRMED = "confirmed", "confirmed with the second factor"
        WRONG_CODE = "wrong_code", "wrong code"
        GUESSING = "guessing", "many failed attempts: the owner was warned"
        CHANGED = "changed", "chose a new password"
        ADDED = "added", "added a second factor"
        REMOVED = "removed", "removed a second factor"
        NEW_CODES = "new_codes", "made new recovery codes"
        ENDED = "ended", "ended sessions"
        RESET = "reset", "was sent a link for a new password"
        RECOVERED = "recovered", "had the second factor reset by a manager"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="account",
        help_text="Empty where nobody has the name that was typed.",
    )
    kind = models.CharField("what", max_length=10, choices=Kind)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="by whom"
    )
    at = models.DateTimeField("when", db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ["view"]
        permissions = [("recover_colleague", "Can reset a colleague’s second factor")]

    def __str__(self):
        return f"{self.user or 'unknown name'}: {self.get_kind_display()}"
