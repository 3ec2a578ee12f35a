"""What people meet while the database cannot answer. Each error here is one that Postgres has given."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.test import Client
from psycopg.conninfo import make_conninfo

from bookings import links
from bookings.models import AppointmentRequest
from clinic_site import unavailable
from tests import make

CALL = "/request-an-appointment/call/"
OURS = {"Origin": "http://testserver"}
ADDRESS = {"host", "port", "user", "password", "dbname"}
TYPED = {"patient_name": "Nguyễn <b>Ánh</b>", "phone": "(703) 555-0199"}


def hidden(page):
    return dict(re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', page.text))


@pytest.mark.django_db
def test_while_the_database_is_away_a_page_says_so_keeps_what_was_typed_and_works_again_after(
    monkeypatch, caplog
):
    client = Client(raise_request_exception=False)

    def ask(method, path, *rest, **more):
        try:
            return getattr(client, method)(path, *rest, **more)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as visitor:  # has a connection of its own
        with monkeypatch.context() as away:
            away.setitem(connections.settings["default"], "HOST", "/nowhere")
            looked = visitor.submit(ask, "get", CALL).result()
            sent = visitor.submit(ask, "post", CALL, TYPED, headers=OURS).result()
            foreign = visitor.submit(ask, "post", CALL, TYPED).result()
            client.cookies["sessionid"] = "0123456789abcdef0123456789abcdef"
            at_the_desk = visitor.submit(ask, "get", "/staff/").result()
        after = visitor.submit(ask, "get", CALL).result()

    answers = [looked, sent, foreign, at_the_desk]
    assert [answer.status_code for answer in answers] == [503] * 4
    for answer in answers:
        assert answer.headers["Retry-After"] == "30"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "This is not working right now" in answer.text
        assert answer.text.count("(703) 555-0142") == 2
    assert "load this page again" in looked.text and "<form" not in looked.text
    assert hidden(sent).items() >= {"patient_name": "Nguyễn &lt;b&gt;Ánh&lt;/b&gt;"}.items()
    assert "go back with your browser" in foreign.text and "555-0199" not in foreign.text
    assert after.status_code == 200
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        *[f"{CALL} could not be answered: OperationalError"] * 3,
        "/staff/ could not be answered: OperationalError",
    ]
    assert all(record.exc_info is None for record in caplog.records)


def test_while_somebody_holds_a_request_others_are_told_to_try_again_and_it_then_works(real_commits):
    asked = make.accepted()
    client = Client(raise_request_exception=False)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    here = {name: value for name, value in connection.get_connection_params().items() if name in ADDRESS}
    now = asked.created_at
    page = f"/manage/{links.token(asked, 'manage_request', now=now)}/contact/"
    typed = {"email": "", "phone": "(703) 555-0199", "contact_by": "phone"}
    with psycopg.connect(make_conninfo(**here)) as other:
        other.execute("SELECT 1 FROM bookings_appointmentrequest WHERE id = %s FOR UPDATE", [asked.pk])
        refused = client.post(page, typed, headers=OURS)

        assert refused.status_code == 503 and "Somebody is changing this right now" in refused.text
        assert (
            "Nothing of this form was saved. Everything you typed is still here. Send it again."
            in " ".join(refused.text.split())
        )
        other.rollback()

    again = hidden(refused)
    assert {name: again.get(name) for name in typed} == typed
    assert client.post(page, again).status_code == 302
    assert AppointmentRequest.objects.get().phone == "(703) 555-0199"
    connection.close()


def test_answers_that_cannot_be_kept_for_lack_of_the_database_are_no_bad_request(real_commits):
    client = Client(raise_request_exception=False)
    first = client.post("/request-an-appointment/who/", {"who": "me"}).headers["Location"]
    make.schedule(visit=make.visit_type(slug="visit"))
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    here = {name: value for name, value in connection.get_connection_params().items() if name in ADDRESS}
    with psycopg.connect(make_conninfo(**here)) as other:
        other.execute("SELECT 1 FROM django_session FOR UPDATE")
        refused = client.post(first, {"visit": "visit"}, headers=OURS)

        assert (refused.status_code, hidden(refused)["visit"]) == (503, "visit")
        other.rollback()

    assert client.post(first, hidden(refused)).status_code == 302
    connection.close()


FAULTS = {
    "57014": "SET LOCAL statement_timeout = 20; SELECT pg_sleep(1)",
    "25006": "SET TRANSACTION READ ONLY; DELETE FROM bookings_tally",
    "53100": "DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$",
    "53300": "DO $$ BEGIN RAISE EXCEPTION 'too many' USING ERRCODE = 'too_many_connections'; END $$",
    "40P01": "DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected'; END $$",
    "57P01": "SELECT pg_terminate_backend(pg_backend_pid())",
    "25P03": "SET idle_in_transaction_session_timeout = 1",
}
MISTAKES = ["SELECT 1/0", "SELECT nothing FROM nowhere", "INSERT INTO bookings_tally VALUES (NULL)"]


def test_every_way_in_which_postgres_is_not_there_is_told_from_a_mistake_of_ours(real_commits):
    def error_of(sql):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for part in sql.split("; ") if sql[:2] != "DO" else [sql]:
                    cursor.execute(part)
                time.sleep(0.01)  # idle in a transaction
                cursor.execute("SELECT 1")
        except Exception as error:
            return error
        finally:
            connection.close()

    found = {code: unavailable.explained(error_of(sql)) for code, sql in FAULTS.items()}

    codes = {code: said and said[2] for code, said in found.items()}
    # Who was cut off for idling hears why, or, where the line is closed already, nothing.
    assert codes.pop("25P03") in ("25P03", "OperationalError")
    assert codes == {code: code for code in codes}
    assert [unavailable.explained(error_of(sql)) for sql in MISTAKES] == [None, None, None]
