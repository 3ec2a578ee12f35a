"""The database is not there, or not able to: `uv run python -m tests.faults.database_away`."""

import time

from tests.faults.stage import Patients, clinic, main, messages_arrive


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


if __name__ == "__main__":
    main(restarted, crashed, gone_for_a_minute)
