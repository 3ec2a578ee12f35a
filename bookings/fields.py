"""The fields of our forms: what people type, as people type it."""

import difflib
import re
import unicodedata
from contextlib import suppress
from datetime import date, timedelta

import phonenumbers
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.encoding import punycode

from bookings import shield
from bookings.models.clinic import Weekday

BIDI_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
MONTHS = [f"{date(2000, month, 1):%B}".lower() for month in range(1, 13)]
WEEKDAYS = {label.lower(): Weekday(value) for value, label in Weekday.choices}
LEFT_OUT = {"st", "nd", "rd", "th", "of", "the", "on", "s"}
A_YEAR = timedelta(days=365)
LONGEST_READ = 1_000  # letters; no field keeps more than 254

# What most people write behind the @. The second line is there so that nobody is asked about it.
PROVIDERS = ["gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "comcast.net", "aol.com"]
OTHER_PROVIDERS = [
    "mail.com",
    "ymail.com",
    "email.com",
    "gmx.com",
    "live.com",
    "cox.net",
    "me.com",
    "aim.com",
]
WRONG_ENDINGS = {"con": "com", "cmo": "com", "ocm": "com", "comm": "com", "vom": "com", "ent": "net"}


def refuse_endless(field: forms.CharField, typed: str | None) -> None:
    """Raise the field's own error for what is far too long, before anything looks into it.

    To compose letters or to encode a domain takes time that grows with the square of the length.
    """
    if len(typed or "") > LONGEST_READ:
        numbers = {"limit_value": field.max_length, "show_value": len(typed)}
        raise ValidationError(field.error_messages["max_length"], "max_length", numbers)


def clean_line(text: str) -> str:
    """One line as a person would have typed it: composed, without control characters or overrides."""
    text = unicodedata.normalize("NFC", BIDI_OVERRIDES.sub("", text))
    text = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return " ".join(text.split())


class LineField(forms.CharField):
    """One line of text in any script; a line of invisible characters counts as empty."""

    def to_python(self, value):
        refuse_endless(self, value)
        line = clean_line(super().to_python(value))
        return line if any(letter.isprintable() and not letter.isspace() for letter in line) else ""


class AddressField(forms.EmailField):
    """An email address; spaces anywhere and full-width letters are the keyboard's, not the person's."""

    def __init__(self, **options):
        messages = {
            "invalid": "Enter an email address in the correct format, like name@example.com",
            "max_length": "Email address must be 254 characters or less",
        }
        # Whoever fills in the address of another person says so by a widget.
        options.setdefault("widget", forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}))
        super().__init__(max_length=254, error_messages=messages, **options)

    def to_python(self, value):
        refuse_endless(self, value)
        text = unicodedata.normalize("NFKC", super().to_python(value)).replace("\u3002", ".")
        return "".join(letter for letter in text if letter.isprintable() and not letter.isspace())

    def validate(self, value):
        super().validate(value)
        local, _, domain = value.rpartition("@")
        if '"' in local:
            raise ValidationError("Enter the email address without quotation marks, like name@example.com")
        if settings.OTHER_LETTERS & set(domain):
            raise ValidationError(f"We cannot write to {domain}. Enter its form that begins with xn--")
        # RFC 5321 4.5.3.1.1; nobody has a mailbox on our own mail server.
        if len(local) > 64 or value.endswith("]") or domain.lower() == "localhost":
            raise ValidationError(self.error_messages["invalid"])
        with suppress(UnicodeError):  # a domain that has no spelling in ASCII is refused as none
            if len(local) + 1 + len(punycode(domain)) > 254:  # what is sent to the mail server
                raise ValidationError(self.error_messages["max_length"])


def probably_meant(email: str) -> str:
    """The address that somebody meant who typed one like ann@gmial.com; empty where it looks right."""
    local, _, domain = email.rpartition("@")
    domain = domain.lower()
    name, dot, ending = domain.rpartition(".")
    if not dot or domain in PROVIDERS + OTHER_PROVIDERS:
        return ""
    likely = f"{name}.{WRONG_ENDINGS.get(ending, ending)}"
    near = difflib.get_close_matches(likely, PROVIDERS, n=1, cutoff=0.86)
    likely = near[0] if near and likely not in OTHER_PROVIDERS else likely
    return f"{local}@{likely}" if likely != domain else ""


class PhoneField(LineField):
    """A phone number as people write it, kept as typed; it only has to be possible."""

    def __init__(self, **options):
        super().__init__(
            label="Phone number",
            max_length=40,
            widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
            error_messages={
                "required": "Enter your phone number, so that we can call you",
                "max_length": "Phone number must be 40 characters or less",
            },
            **options,
        )

    def validate(self, value):
        super().validate(value)
        if value and not _may_be_a_number(value):
            raise ValidationError("Enter a phone number with its area code, like (703) 555-0142")


def _may_be_a_number(text):
    try:
        number = phonenumbers.parse(text, shield.COUNTRY)
    except phonenumbers.NumberParseException:
        return False
    possible = phonenumbers.is_possible_number_with_reason(number)
    return possible == phonenumbers.ValidationResult.IS_POSSIBLE


class DayField(LineField):
    """A day in one box, as people write it: “Tuesday”, “March 9”, “3/9/2027”.

    One box is less to aim at than three or than a calendar, and what was typed always comes back;
    the check page shows how it was read. Cleaned it is a date, a Weekday where `takes_weekdays`, or
    None. `today` is set by the form: days before it and more than a year after it are refused.
    """

    today: date

    def __init__(self, *, takes_weekdays=False, **options):
        super().__init__(max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}), **options)
        self.takes_weekdays = takes_weekdays
        self.name = self.label.removesuffix(" (optional)")
        self.error_messages["max_length"] = f"{self.name}: enter 40 characters or less"

    def clean(self, value):
        text = self.to_python(value)
        if not text:
            self.validate(text)
            return None
        try:
            day = read_day(text, today=self.today)
        except ValueError as error:
            raise ValidationError(
                f"{self.name}: there is no such date. Check the day and the month"
            ) from error
        if day is None or (isinstance(day, Weekday) and not self.takes_weekdays):
            example = "Tuesday or March 9" if self.takes_weekdays else "March 9"
            raise ValidationError(f"{self.name}: enter a day, like {example}")
        if not isinstance(day, Weekday) and day < self.today:
            raise ValidationError(f"{self.name}: the day must be today or later")
        if not isinstance(day, Weekday) and day > self.today + A_YEAR:
            raise ValidationError(f"{self.name}: the day must be within a year from now")
        return day


def read_day(text: str, *, today: date) -> date | Weekday | None:
    """The day that a person in the United States means; without a year the next such day.

    None where no day can be read. Raises ValueError for a date that does not exist.
    """
    words = [word for word in re.findall(r"[^\W\d_]+|\d+", text.lower()) if word not in LEFT_OUT]
    kinds = [_kind(word) for word in words]
    weekdays = [kind for kind in kinds if isinstance(kind, Weekday)]
    kinds = [kind for kind in kinds if not isinstance(kind, Weekday)]
    match kinds:
        case []:
            return weekdays[0] if len(weekdays) == 1 else None
        case [(month, "month"), int(day), *year] | [int(day), (month, "month"), *year]:
            pass
        case [int(long), int(month), int(day)] if long > 31:
            year = [long]
        case [int(month), int(day), *year]:
            pass
        case _:
            return None
    match year:
        case []:
            return _next(month, day, today=today)
        case [int(number)]:
            return date(number + 2000 if number < 100 else number, month, day)
    return None


def _kind(word):
    """A number, a Weekday, a month as (number, "month"), or the word itself."""
    if word.isdecimal():
        return int(word[:9])
    stem = word.removesuffix("s") if len(word) > 3 else word
    if len(stem) < 3:
        return word
    for name, weekday in WEEKDAYS.items():
        if name.startswith(stem):
            return weekday
    return next(((number, "month") for number, name in enumerate(MONTHS, 1) if name.startswith(stem)), word)


def _next(month, day, *, today):
    for year in (today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return date(today.year, month, day)  # raises where neither year has such a day
