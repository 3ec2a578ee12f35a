"""Strangers try for an hour and a half to empty the calendar; tests/faults/fairness.py plays whole days."""

from datetime import timedelta

import pytest

from tests import make
from tests.faults.fairness import Play, broken

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("networks", [1, 1000])
def test_strangers_leave_time_email_and_the_truth_for_real_patients(networks):
    make.schedule(make.location(weekdays=[1, 2]))  # 32 times in two weeks

    day = Play(networks, every=5 * MINUTE, hours=1.5, patient_every=29 * MINUTE).run()

    assert [name for name, is_broken in broken(day).items() if is_broken] == []
