"""A day and an hour as staff type them, read on the clock of the place.

Where the clocks change an hour comes twice or not at all: then the form asks which one is meant, or
says what happens that night.
"""

from datetime import datetime

from django import forms

from bookings.admin.times import read_wall_time
from bookings.models import Location

FIRST_YEAR, LAST_YEAR = 2000, 2100


class DayField(forms.DateField):
    """A date that a clinic could mean."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        kwargs["error_messages"] = {
            "required": "Enter a day",
            "invalid": "Enter a day that exists, like 2027-03-09",
            **kwargs.get("error_messages", {}),
        }
        super().__init__(**kwargs)

    def clean(self, value):
        day = super().clean(value)
        if day and not FIRST_YEAR <= day.year < LAST_YEAR:
            raise forms.ValidationError(f"Enter a day between {FIRST_YEAR} and {LAST_YEAR}")
        return day


class HourField(forms.TimeField):
    """An hour of the clock on the wall, also as people write it: 9am, 1:30pm."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
        kwargs.setdefault("input_formats", ["%H:%M", "%H:%M:%S", "%I:%M%p", "%I:%M %p", "%I%p", "%I %p"])
        kwargs["error_messages"] = {
            "required": "Enter a time",
            "invalid": "Enter a time, like 13:30 or 1:30pm",
            **kwargs.get("error_messages", {}),
        }
        super().__init__(**kwargs)


class WhichField(forms.ChoiceField):
    """Which of two equal hours: not seen until there are two."""

    def __init__(self, **kwargs):
        super().__init__(
            label="Which of the two",
            choices=[("0", "the first"), ("1", "the second")],
            required=False,
            widget=forms.HiddenInput,
            **kwargs,
        )

    def ask(self, readings: list[datetime], place: Location) -> None:
        """Show both hours, told apart by their zone: “1:30am EDT” and “1:30am EST”."""
        words = ("the first, before the clocks go back", "the second, an hour later")
        self.choices = [
            (str(fold), f"{place.hour_in_words(reading)}, {words[fold]}")
            for fold, reading in enumerate(readings)
        ]
        self.widget = forms.RadioSelect(choices=self.choices)


def read_time(form: forms.Form, place: Location, *, day: str, hour: str, which: str) -> datetime | None:
    """The instant that three fields of the form name together; None, with the form's errors, where none.

    To be called in the form's `clean`.
    """
    that_day, that_hour = form.cleaned_data.get(day), form.cleaned_data.get(hour)
    if that_day is None or that_hour is None:
        return None
    found = read_wall_time(that_day, that_hour, place)
    if not found:
        form.add_error(
            hour,
            f"There is no {that_hour:%H:%M} in {place} on that day: the clocks go forward. "
            "Choose an earlier or a later time",
        )
        return None
    if len(found) == 1:
        return found[0]
    form.fields[which].ask(found, place)
    if form.cleaned_data.get(which) not in ("0", "1"):
        form.add_error(which, "The clocks go back that day and this hour comes twice. Choose which one")
        return None
    return found[int(form.cleaned_data[which])]


def written(instant: datetime | None, place: Location) -> dict[str, object]:
    """Day, hour and which one, as the fields of a form start with them."""
    if instant is None:
        return {}
    local = place.local(instant)
    return {"day": local.date(), "hour": local.time(), "which": str(local.fold)}
