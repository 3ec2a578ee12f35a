"""The machine's clock jumps: `uv run python -m tests.faults.clock` (needs libfaketime: apt's faketime)."""

import time
from pathlib import Path

from bookings.models import Message
from tests.faults.patients import Patients
from tests.faults.stage import clinic, main, messages_arrive, say

LIBRARIES = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]


def jumps():
    """The clock of web and worker goes forth and back by an hour: nothing is lost or doubled.

    A message that became due while the clock was ahead waits until that hour comes again, no longer.
    """
    if not LIBRARIES:
        say("  NOT TRIED: libfaketime is not installed")
        return {}
    with clinic(workers=0) as here:
        clock = here.folder.parent / "clock"
        clock.write_text("+0")
        here.environment |= {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        here.add_worker()
        here.kill(f"web {here.ports[0]}")
        time.sleep(3)
        with Patients(here) as patients:
            for jump in ("+1h", "+0", "-1h", "+0"):
                time.sleep(6)
                clock.write_text(jump)
            time.sleep(8)
            patients.stop()
        clock.write_text("+1h")
        kept = {**patients.judge(may=("cut",)), **messages_arrive(here)}
        return {**kept, "a message was tried twice": Message.objects.filter(attempts__gt=1).exists()}


if __name__ == "__main__":
    main(jumps)
