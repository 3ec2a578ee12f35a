"""Strangers who want to empty the calendar: `uv run python -m tests.faults.fairness`.

One, five and a thousand networks ask for times all day, each time with a new mailbox that they own and
confirm; they type the mailbox of somebody else too, in many spellings. Real patients ask in between, each
from a network and a mailbox of their own. Verbs, shield and database are the real ones; the clock is moved.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from uuid import UUID

from tests.benchmarks.scratch import scratch_database  # first: it sets Django up

# isort: split
from django.core.management import call_command

from bookings import availability, fullness, lifecycle, shield
from bookings.admin import lists
from bookings.models import Appointment, AppointmentRequest, Location, Message, VisitType
from tests.faults.stage import main, say
from tests.make import NOW

MINUTE, DAYS = timedelta(minutes=1), 14
A_DAY = {"hours": 24, "patient_every": timedelta(minutes=37)}
VICTIM = ["v.i.c.tim@gmail.com", "Victim+{}@googlemail.com", r'"v\i\ctim"@gmail.com', "vic.tim+x{}@GMAIL.com"]
UNASKED = [Message.Kind.VERIFY, Message.Kind.LINK, Message.Kind.EXPIRED]


@dataclass
class Day:
    """What was seen. Shares are of the open time of two weeks of a room, when they were largest."""

    asked: int = 0
    kept: int = 0
    patients: int = 0
    without_email: int = 0
    without_hold: int = 0
    without_hold_below_half: int = 0
    by_one: float = 0
    by_attackers: float = 0
    by_all: float = 0
    attackers_hold_too_much: bool = False
    to_victim: list[datetime] = field(default_factory=list)
    withheld: int = 0
    withheld_unseen: int = 0

    def most_in_an_hour(self) -> int:
        hour = timedelta(hours=1)
        return max((sum(at <= one < at + hour for one in self.to_victim) for at in self.to_victim), default=0)


class Play:
    """A day at a clinic: `networks` strangers ask in turn, one `every` so often, patients in between."""

    def __init__(self, networks: int, *, every: timedelta, hours: float, patient_every: timedelta):
        self.networks, self.every, self.hours, self.patient_every = networks, every, hours, patient_every
        self.random, self.number = Random(7), count()  # noqa: S311
        self.day, self.patients = Day(), set()
        self.visit = VisitType.objects.filter(schedules__isnull=False).order_by("position", "pk").first()
        rooms = self.visit.schedules.filter(is_active=True).select_related("location")
        self.places = list(Location.objects.filter(pk__in=rooms.values("location")))
        self.open = defaultdict(int)
        for use in fullness.use(NOW.date(), DAYS):
            self.open[use.schedule.pk] += use.open

    def run(self) -> Day:
        end, attack, patient = NOW + timedelta(hours=self.hours), NOW, NOW
        while (now := min(attack, patient)) < end:
            lifecycle.sweep(now=now)
            if now == attack:
                self._attack(now=now)
                attack += self.every
            else:
                self._patient(now=now)
                patient += self.patient_every
            self._look(now=now)
        self._read_the_lists(now=end)
        return self.day

    def _attack(self, *, now):
        turn = next(self.number)
        which = turn % self.networks
        address = f"93.{which // 250}.{which % 250}.{self.random.randrange(1, 250)}"
        asked = self._ask(address, f"m{turn}@mailbox{turn}.example", now=now)
        if asked and asked.messages.filter(status=Message.Status.QUEUED).exists():
            lifecycle.verify(asked, now=now)
        if turn % 3 == 0:
            self._ask(address, VICTIM[turn % 4].format(turn), now=now)

    def _patient(self, *, now):
        turn = next(self.number)
        held = self._held(now=now)
        asked = self._ask(f"77.{turn // 250}.{turn % 250}.9", f"patient{turn}@gmail.com", now=now)
        if asked is None:
            return
        room = self.visit.schedules.get(location=asked.location).pk
        self.patients.add(asked.network)
        self.day.patients += 1
        to_confirm = asked.messages.filter(kind=Message.Kind.VERIFY, status=Message.Status.QUEUED)
        self.day.without_email += not to_confirm.exists()
        if lifecycle.verify(asked, now=now).appointment is None:
            self.day.without_hold += 1
            self.day.without_hold_below_half += 2 * sum(held[room].values()) < self.open[room]

    def _ask(self, address, email, *, now):
        """As the view does it, for some time that is free; None where none is."""
        place, meta = self.random.choice(self.places), {"REMOTE_ADDR": address}
        free = availability.free_slots(self.visit, place, place.local(now).date(), DAYS, now=now)
        if not free:
            return None
        self.day.asked += 1
        asked = lifecycle.submit(
            submission=UUID(int=self.random.getrandbits(128)),
            visit_type=self.visit,
            location=place,
            starts_at=self.random.choice(free).starts_at,
            patient_name="Somebody",
            contact_by="email",
            email=email,
            is_suspect=shield.is_suspect({shield.BEGAN: shield.stamp({}, now=now - MINUTE)}, meta, now=now),
            network=shield.network(meta),
            now=now,
        )
        self.day.kept += AppointmentRequest.objects.filter(pk=asked.pk).exists()
        return asked

    def _held(self, *, now):
        """By room, then by network: the minutes of the next two weeks that are held."""
        holds = Appointment.objects.filter(
            status=Appointment.Status.PENDING,
            held_until__gt=now,
            period__startswith__lt=now + timedelta(days=DAYS),
        )
        found = defaultdict(lambda: defaultdict(int))
        for room, network, held in holds.order_by().values_list("schedule", "request__network", "occupied"):
            found[room][network] += fullness.total_minutes([(held.lower, held.upper)])
        return found

    def _look(self, *, now):
        day = self.day
        for room, by_network in self._held(now=now).items():
            attackers = [held for network, held in by_network.items() if network not in self.patients]
            day.by_one = max(day.by_one, max(by_network.values()) / self.open[room])
            day.by_attackers = max(day.by_attackers, sum(attackers) / self.open[room])
            day.attackers_hold_too_much |= sum(attackers) > self._most(self.open[room])
            day.by_all = max(day.by_all, sum(by_network.values()) / self.open[room])

    def _most(self, open_for):
        """How many minutes of a room that is open for so many the attackers may hold by our rules."""
        visit = self.visit.minutes_before + self.visit.minutes + self.visit.minutes_after
        if self.networks == 1:
            return max(open_for / 10, visit)
        return min(open_for / 4 + self.networks * visit, open_for / 2 + visit)

    def _read_the_lists(self, *, now):
        mails = Message.objects.filter(kind__in=UNASKED)
        failed = mails.filter(status=Message.Status.FAILED)
        to_victim = mails.filter(request__person="victim@gmail.com").exclude(status=Message.Status.FAILED)
        self.day.to_victim = list(to_victim.values_list("due_at", flat=True))
        self.day.withheld = failed.count()
        seen = AppointmentRequest.objects.filter(lists.mail_problems(now) | lists.unverified(now))
        self.day.withheld_unseen = failed.exclude(request__in=seen).count()


def broken(day: Day) -> dict[str, bool]:
    """Say what was seen; the promises, each with whether it broke."""
    say(f"  {day.asked} requests, {day.patients} of them of real patients")
    say(
        f"  most of a room's two weeks that was held: by one network {day.by_one:.1%}, by all attackers"
        f" {day.by_attackers:.1%}, with the patients' {day.by_all:.1%}"
    )
    say(
        f"  real patients without an email {day.without_email}, without a hold {day.without_hold}, "
        f"of these while less than half was held {day.without_hold_below_half}"
    )
    say(
        f"  emails to the victim {len(day.to_victim)}, in an hour {day.most_in_an_hour()} at most; "
        f"{day.withheld} emails withheld, {day.withheld_unseen} of them in no list of the staff"
    )
    return {
        "nothing was tried": not (day.patients and day.by_attackers and day.to_victim and day.withheld),
        "a request was lost": day.kept < day.asked,
        "one network held more than a tenth": day.by_one > 0.1,
        "attackers held too much": day.attackers_hold_too_much,
        "a real patient got no email": day.without_email > 0,
        "a real patient got no hold while less than half was held": day.without_hold_below_half > 0,
        "a mailbox got more than three emails in an hour": day.most_in_an_hour() > 3,
        "staff do not see an email that was withheld": day.withheld_unseen > 0,
    }


def played(networks, *, every):
    with scratch_database("fairness"):
        call_command("load_clinic", verbosity=0)
        return broken(Play(networks, every=every, **A_DAY).run())


def one_network():
    """One network holds at most a tenth of each room; real patients get email and hold."""
    return played(1, every=2 * MINUTE)


def five_networks():
    """Five networks hold a quarter of each room and one time each; real patients get email and hold."""
    return played(5, every=2 * MINUTE)


def a_thousand_networks():
    """A thousand networks look like patients: they hold half of each room, and the other half stays free."""
    return played(1000, every=1.5 * MINUTE)


if __name__ == "__main__":
    main(one_network, five_networks, a_thousand_networks)
