"""Web processes are killed at random: `uv run python -m tests.faults.processes_killed`."""

import random
import time

from tests.faults.patients import Patients
from tests.faults.stage import clinic, main, messages_arrive, say, wait_until

KILLS = 40
chance = random.SystemRandom()


def web_killed():
    """However often a web process is killed, what was acknowledged is stored once, and its message owed."""
    with clinic(web=2) as here, Patients(here, at_once=6) as patients:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.5))
            here.kill(f"web {chance.choice(here.ports)}")
        wait_until(here.answers, "a web process did not come back")
        back = time.monotonic()
        time.sleep(4)
        patients.stop()
        say(f"  {KILLS} kills")
        return {**patients.judge(since=back, may=("cut",)), **messages_arrive(here)}


if __name__ == "__main__":
    main(web_killed)
