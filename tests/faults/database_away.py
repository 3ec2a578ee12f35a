"""The database is not there, or not able to: `uv run python -m tests.faults.database_away`."""

import subprocess
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from django.db import connection

from clinic_site import database
from tests.faults.patients import Browser, Patients
from tests.faults.stage import clinic, connect, main, messages_arrive, say


def _restarted(mode):
    with clinic(web=2) as here, Patients(here) as patients:
        for _ in range(3):
            time.sleep(3)
            here.stop_database(mode)
            here.start_database()
        back = time.monotonic()
        time.sleep(4)
        patients.stop()
        return {**patients.judge(since=back), **messages_arrive(here)}


def restarted():
    """A restart of Postgres hurts only requests in flight; what was acknowledged is stored, once."""
    return _restarted("fast")


def crashed():
    """A crash of Postgres loses nothing that was acknowledged, and hurts only requests in flight."""
    return _restarted("immediate")


def gone_for_a_minute():
    """While Postgres is gone each page says so at once; all works again without a restart of ours."""
    with clinic(web=1) as here, Patients(here) as patients:
        time.sleep(3)
        here.stop_database()
        gone = time.monotonic()
        time.sleep(60)
        here.start_database()
        back = time.monotonic()
        time.sleep(5)
        patients.stop()
        meanwhile = [asked for asked in patients.journal if gone < asked.began and asked.ended < back]
        return {
            **patients.judge(since=back),
            **messages_arrive(here),
            "a page took longer than a second to say so": [a for a in meanwhile if a.ended - a.began > 1],
            "the log was flooded": here.words_of_the_log().count("\n") > 3 * len(meanwhile) + 500,
        }


def connections_exhausted():
    """Where Postgres takes no more connections pages say so within a second, and heal by themselves."""
    with clinic("-c", "max_connections=20") as here, Patients(here) as patients:
        time.sleep(3)
        taken, until = [], time.monotonic() + 12
        here.kill(f"web {here.ports[0]}")  # its connections become free, and are taken
        while time.monotonic() < until:
            with suppress(psycopg.OperationalError):
                while True:
                    taken.append(connect())
            time.sleep(0.05)
        for one in taken:
            one.close()
        back = time.monotonic()
        time.sleep(5)
        patients.stop()
        said = [asked for asked in patients.journal if asked.answer == "503"]
        return {
            **patients.judge(since=back, may=("503", "cut")),
            **messages_arrive(here),
            "nobody was told": not said,
            "a page took longer than a second to say so": [a for a in said if a.ended - a.began > 1],
        }


SLOW = """
    CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(60); RETURN new; END $$;
    CREATE TRIGGER take_long BEFORE INSERT ON bookings_appointmentrequest FOR EACH ROW
        WHEN (new.patient_name = 'Slow') EXECUTE FUNCTION take_long()
"""


def one_slow_statement():
    """A statement of a minute is cut after 5 seconds, and hurts nobody else: others wait less than 0.5 s."""
    with clinic() as here, Patients(here, at_once=2) as patients:
        with connection.cursor() as cursor:
            cursor.execute(SLOW)
        time.sleep(2)
        journal, begin = [], time.monotonic()
        browser = Browser(here.ports, journal)
        form = {"patient_name": "Slow", "phone": "(703) 555-0142", "may_leave_message": "on"}
        page = browser.once("GET", "/request-an-appointment/call/")
        browser.once("POST", "/request-an-appointment/call/", {**form, **page.hidden()})
        end = time.monotonic()
        patients.stop()
        took = journal[-1].ended - journal[-1].began
        others = [a for a in patients.journal if begin < a.began and a.ended < end]
        say(f"  the slow one: {journal[-1].answer} after {took:.1f} s; {len(others)} others meanwhile")
        return {
            **patients.judge(may=()),
            "the slow one was not cut at 5 s": not (4.5 < took < 6 and journal[-1].answer == "503"),
            "others waited": [a for a in others if a.ended - a.began > 0.5] or not others,
        }


def rooms_locked():
    """Where somebody holds the rooms for long, who asks is told in 3 to 5 seconds, then gets through."""
    # Who waits behind another who waits has two locks to wait for, and is cut as a slow statement.
    with clinic() as here, Patients(here, at_once=3) as patients:
        time.sleep(2)
        with connect() as other:
            other.execute("SELECT 1 FROM bookings_schedule FOR UPDATE")
            begin = time.monotonic()
            time.sleep(10)
            other.rollback()
        back = time.monotonic()
        time.sleep(3)
        patients.stop()
        said = [asked for asked in patients.journal if asked.answer == "503"]
        took = [asked.ended - asked.began for asked in said]
        reads = [a for a in patients.reads() if begin < a.began < back]
        return {
            **patients.judge(since=back),
            "nobody was told": not said,
            "it was not after 3 to 5 s": [seconds for seconds in took if not 2.9 < seconds < 6],
            "who only read was hurt": {a.answer for a in reads} != {"200"},
        }


# Raises where a row of a table is not in its index, or an index is out of order.
CHECK = """
    SELECT bt_index_check(indexrelid, true) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_am ON pg_am.oid = relam WHERE amname = 'btree' AND relnamespace = 'public'::regnamespace
"""


@contextmanager
def small_disk(megabytes):
    """A folder on a disk of its own, as small as that; None where we may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="clinic-disk-"))
    size = f"size={megabytes}m,mode=755"
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True)
    try:
        yield None if mount.returncode else folder
    finally:
        if not mount.returncode:
            subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def disk_full():
    """Where the database's disk is full pages can be read, what cannot be kept is told, nothing is lost."""
    with small_disk(250) as disk:
        if disk is None:
            say("  NOT TRIED: this needs the right to mount a small disk")
            return {}
        with clinic(inside=disk, workers=0) as here, Patients(here) as patients:
            time.sleep(3)
            filler = disk / "filler"
            filled = time.monotonic()
            until = filled + 12
            with filler.open("wb", buffering=0) as file:
                while time.monotonic() < until:
                    with suppress(OSError):
                        while True:
                            file.write(bytes(4096))
                    time.sleep(0.02)
            lives = database.is_running(here.folder)
            filler.unlink()
            here.start_database()
            back = time.monotonic()
            time.sleep(4)
            patients.stop()
            reads = [
                a.answer
                for a in patients.journal
                if a.address == "GET /locations/" and filled + 1 < a.began < back
            ]
            say(f"  Postgres lived: {lives}; while it was full reads: {Counter(reads)}")
            with connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION amcheck")
                cursor.execute(CHECK)
            return {
                **patients.judge(since=back),
                "pages could not be read": set(reads) - {"200"},
            }


if __name__ == "__main__":
    main(
        restarted,
        crashed,
        gone_for_a_minute,
        connections_exhausted,
        one_slow_statement,
        rooms_locked,
        disk_full,
    )
