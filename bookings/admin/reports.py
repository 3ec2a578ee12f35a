"""Reports in numbers, and files of them; and the export of requests. Whoever takes a file is recorded."""

import csv
import io
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from bookings import charts, counting, reports, trail
from bookings.forms import QuestionForm
from bookings.models import AppointmentRequest, Location, Message
from bookings.reports import Span

WEEKS = [4, 8, 13, 26, 52]
HOUR = timedelta(hours=1)
# Where a cell begins with one of these, spreadsheets calculate instead of showing it (OWASP, CSV Injection);
# some read the wide letters of Asian keyboards in the same way.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Status = AppointmentRequest.Status


class SpanForm(QuestionForm):
    """Which weeks of which location; empty means all locations up to this week."""

    location = forms.ModelChoiceField(
        Location.objects.all(),
        required=False,
        empty_label="All locations",
        error_messages={"invalid_choice": "Choose one of our locations."},
    )
    weeks = forms.TypedChoiceField(
        coerce=int,
        choices=[(number, f"{number} weeks") for number in WEEKS],
        required=False,
        initial=8,
        empty_value=8,
        error_messages={"invalid_choice": "Choose one of the lengths."},
    )
    until = forms.DateField(
        label="Up to the week of",
        required=False,
        widget=forms.DateInput({"type": "date"}),
        error_messages={"invalid": "Write the day like 2027-03-08."},
    )

    def clean_until(self):
        until = self.cleaned_data["until"]
        if until and not 2000 <= until.year <= 2200:
            raise forms.ValidationError("Write a year with four digits, like 2027.")
        return until

    def span(self, *, now) -> Span:
        """The weeks that were asked for; where the answers make no sense, the last eight of all."""
        asked = self.cleaned_data if self.is_valid() else {}
        weeks = asked.get("weeks") or 8
        last = counting.monday(asked.get("until") or timezone.localdate(now))
        return Span(last - counting.A_WEEK * (weeks - 1), weeks, asked.get("location"))


@dataclass(frozen=True)
class Report:
    """One table with its picture. `numbers` names what is shown; `drawn` are the columns in the picture."""

    key: str
    title: str
    note: str
    picture: str
    numbers: dict[str, str]
    drawn: tuple[str, ...]

    def shown(self, row):
        """Its week (a Monday, None for all), its place ("" for all) and its numbers."""
        return row.get("week"), row.get("place", ""), {key: number(row, key) for key in self.numbers}


def number(row, key):
    """Counts as they are, lengths of time in hours, shares in percent; None where there is nothing."""
    if key == "noshow_share":
        noshow = row.get("noshow", 0)
        return percent(noshow, row.get("fulfilled", 0) + noshow)
    if key == "share":
        return percent(row["taken"], row["open"])
    value = row.get(key, 0)
    if key in ("open", "taken"):
        return round(value / 60, 1)
    return round(value / HOUR, 1) if isinstance(value, timedelta) else value


def percent(part, whole):
    return round(100 * part / whole) if whole else None


REPORTS = [
    Report(
        "requests",
        "Requests and what came of them",
        "By the week in which they were asked. “Never confirmed” are those of the expired whose email "
        "address nobody confirmed.",
        "Requests asked and accepted",
        {
            "asked": "asked",
            **{str(status): status.label for status in Status},
            "unconfirmed": "never confirmed",
        },
        ("asked", "accepted"),
    ),
    Report(
        "replies",
        "Time to reply, in hours",
        "From the request, or from its confirmed address, to our first answer. Half of the patients waited "
        "less than the median, 9 of 10 less than the 90th percentile. Phone bookings are not counted.",
        "Hours to the first reply",
        {
            "asked": "asked",
            "answered": "answered",
            "median": "median",
            "ninetieth": "90th percentile",
        },
        ("median", "ninetieth"),
    ),
    Report(
        "visits",
        "Visits",
        "By the week of the visit. The share of those who did not come is of all whose visit took place or "
        "should have.",
        "Visits booked, and patients who did not come",
        {
            "booked": "booked",
            "fulfilled": "took place",
            "noshow": "did not come",
            "noshow_share": "did not come, %",
            "cancelled": "cancelled",
            "unresolved": "not yet marked",
        },
        ("booked", "noshow"),
    ),
    Report(
        "cancellations",
        "Cancellations by notice",
        "By the week of the visit: how long before its start it was cancelled.",
        "Visits cancelled, and those with less than a day's notice",
        {
            "cancelled": "cancelled",
            "under_a_day": "less than 1 day",
            "under_a_week": "1 to 7 days",
            "earlier": "more than 7 days",
            "by_patient": "by the patient",
            "by_clinic": "by us",
        },
        ("cancelled", "under_a_day"),
    ),
    Report(
        "messages",
        "Email to patients",
        "By the week in which it was due. Whoever was not reached needs a phone call.",
        "Email owed, and not delivered",
        {"owed": "owed", **{str(status): status.label for status in Message.Status}},
        ("owed", "failed"),
    ),
    Report(
        "schedules",
        "Use of each schedule",
        "Open hours are opening hours less closures. Taken are visits and holds with the time before and "
        "after them; visits outside opening hours count too.",
        "Share of open time that is taken, in percent",
        {"open": "hours open", "taken": "hours taken", "share": "taken, %"},
        ("share",),
    ),
]


@permission_required("bookings.view_reports", raise_exception=True)
def show(request):
    """All reports on one page, for `?location=&weeks=&until=`."""
    form = SpanForm(request.GET or None, auto_id="span-%s")
    span = form.span(now=timezone.now())
    found = reports.numbers(span, of_each=not span.is_long)
    in_words = {None: "All weeks", **{week: date_format(week, "M j, Y") for week in span.mondays}}
    context = {
        **admin.site.each_context(request),
        "title": "Reports",
        "form": form,
        "span": span,
        "tables": [table(report, found, span, in_words) for report in REPORTS],
        "asked": request.GET.urlencode(),
    }
    return TemplateResponse(request, "admin/bookings/reports.html", context)


def table(report, found, span, in_words):
    """A report as its template wants it: picture, heads and rows of text."""
    rows = found[report.key]
    by_week = {row["week"]: report.shown(row)[2] for row in rows if "place" not in row}
    listed = rows if span.is_long else [row for row in rows if "place" in row]
    drawn = {
        report.numbers[key]: [by_week.get(week, {}).get(key) for week in span.mondays] for key in report.drawn
    }
    picture = charts.columns(
        report.key,
        report.picture,
        [f"{week.month}/{week.day}" for week in span.mondays],
        list(drawn.items()),
        top=100 if report.drawn == ("share",) else None,
    )
    return {
        "report": report,
        "picture": picture,
        "heads": report.numbers.values(),
        "of": "Schedule" if report.key == "schedules" else "Location",
        "all": "All schedules" if report.key == "schedules" else "All locations",
        "rows": [
            (in_words[week], place, cells(numbers.values()))
            for week, place, numbers in map(report.shown, sorted(listed, key=lambda row: "week" in row))
        ],
    }


def cells(values):
    """The cells of a row: there are a thousand on the page, and a template would draw one at a time."""
    shown = ["none" if value is None else value for value in values]
    return format_html('<td class="number">{}</td>' * len(shown), *shown)


@permission_required("bookings.view_reports", raise_exception=True)
@transaction.atomic
def save(request):
    """The same numbers as a file: one number a line. Recorded."""
    span = SpanForm(request.GET or None).span(now=timezone.now())
    trail.viewed(request.user, [], kind=trail.Kind.NUMBERS, now=timezone.now())
    found = reports.numbers(span)
    lines = [
        [report.title, week or "all weeks", place, label, numbers[key]]
        for report in REPORTS
        for week, place, numbers in map(report.shown, found[report.key])
        if place
        for key, label in report.numbers.items()
        if numbers[key] is not None
    ]
    return spreadsheet(f"reports-{span.first}", ["Report", "Week of", "Of", "What", "Number"], lines)


@permission_required("bookings.export_requests", raise_exception=True)
@transaction.atomic
def export(request):
    """The requests of the list as it is filtered: GET says how many and what, POST gives the file. Recorded.

    Needs and notes stay here: no spreadsheet needs what somebody wrote about themselves.
    """
    listing = admin.site.get_model_admin(AppointmentRequest)
    try:
        found = listing.get_changelist_instance(request).queryset.select_related("location", "visit_type")
    except IncorrectLookupParameters:
        return HttpResponseRedirect(reverse("admin:bookings_appointmentrequest_changelist"))
    if request.method != "POST":
        context = {
            **admin.site.each_context(request),
            "title": "Export requests",
            "how_many": found.count(),
            "heads": EXPORTED,
            "back": f"{reverse('admin:bookings_appointmentrequest_changelist')}?{request.GET.urlencode()}",
        }
        return TemplateResponse(request, "admin/bookings/export.html", context)
    now = timezone.now()
    shown = list(found)
    trail.viewed(request.user, shown, kind=trail.Kind.EXPORT, now=now)
    lines = [[write(asked) for write in EXPORTED.values()] for asked in shown]
    return spreadsheet(f"requests-{timezone.localdate(now)}", EXPORTED, lines)


def _local(asked, instant):
    return f"{asked.location.local(instant):%Y-%m-%d %H:%M %Z}" if instant else ""


EXPORTED = {
    "Reference": lambda asked: asked.reference,
    "Asked": lambda asked: _local(asked, asked.created_at),
    "State": lambda asked: asked.get_status_display(),
    "Reason": lambda asked: asked.get_reason_display(),
    "Location": lambda asked: asked.location.name,
    "Visit": lambda asked: asked.visit_type.name if asked.visit_type else "",
    "Asked for": lambda asked: _local(asked, asked.wanted_at),
    "Reply due": lambda asked: _local(asked, asked.reply_until),
    "Patient": lambda asked: asked.patient_name,
    "Asked by": lambda asked: asked.asked_by,
    "Email": lambda asked: asked.email,
    "Phone": lambda asked: asked.phone,
    "Contact by": lambda asked: asked.get_contact_by_display(),
}


def spreadsheet(name, heads, lines) -> HttpResponse:
    """A CSV file (RFC 4180) that spreadsheets open as it was meant.

    It begins with a byte order mark: without one Excel reads UTF-8 as the machine's old code page,
    and names lose their letters. Every cell is quoted, and none is a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([[harmless(cell) for cell in line] for line in [heads, *lines]])
    return HttpResponse(
        text.getvalue().encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )


def harmless(cell) -> str:
    """The cell as text that no spreadsheet takes for a formula; a number stays one."""
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) and not isinstance(cell, int | float) else text
