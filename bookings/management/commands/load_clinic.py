import tomllib
from datetime import time
from pathlib import Path

from django.core.management.base import BaseCommand
from django.db import transaction

from bookings.models import Location, OpeningHours, Schedule, VisitType
from bookings.models.clinic import Weekday

FILE = Path(__file__).resolve().parents[2] / "starter" / "clinic.toml"


class Command(BaseCommand):
    help = "Bring in the demo clinic: locations, visit types, schedules and hours. Only into an empty one."

    def handle(self, **options):
        with transaction.atomic():
            if Location.objects.exists():
                return
            clinic = tomllib.loads(FILE.read_text())
            visit_types = {
                entry["slug"]: VisitType.objects.create(position=position, **entry)
                for position, entry in enumerate(clinic["visit_types"])
            }
            for position, entry in enumerate(clinic["locations"]):
                load_location(entry, position, visit_types)
        self.stdout.write(f"Demo clinic loaded: {Location.objects.count()} locations.")


def load_location(entry, position, visit_types):
    schedules, hours = entry.pop("schedules"), entry.pop("hours")
    location = Location.objects.create(position=position, **entry)
    load_hours(hours, location=location)
    for order, line in enumerate(schedules):
        schedule = Schedule.objects.create(location=location, name=line["name"], position=order)
        schedule.visit_types.set(visit_types[slug] for slug in line["visit_types"])
        load_hours(line.get("hours", {}), location=location, schedule=schedule)


def load_hours(hours, **where):
    """`hours` is like {"monday": "08:00-12:00 13:00-17:00"}, in wall time."""
    for day, ranges in hours.items():
        for opens, closes in (line.split("-") for line in ranges.split()):
            OpeningHours.objects.create(
                weekday=Weekday[day.upper()],
                opens=time.fromisoformat(opens),
                closes=time.fromisoformat(closes),
                **where,
            )
