"""Every change of a patient's record leaves a row without a value, by whatever way it was made."""

from datetime import date

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import Error, connection, transaction

from bookings import lifecycle, trail
from bookings.models import Appointment, AppointmentRequest, Change, RequestedPeriod, Viewing
from tests import make

pytestmark = pytest.mark.django_db
TRAIL = "/staff/bookings/change/"


def sql(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def kept(since, table="bookings_requestedperiod"):
    found = Change.objects.filter(table=table, pk__gt=since).order_by("pk")
    return list(found.values_list("operation", "columns"))


def newest():
    return Change.objects.values_list("pk", flat=True).first() or 0


def periods(asked, count=2):
    day = date(2027, 3, 9)
    return [
        RequestedPeriod(request=asked, position=9 + number, first_day=day, last_day=day)
        for number in range(count)
    ]


def copied(asked):
    statement = "COPY bookings_requestedperiod (request_id, position, weekday, part_of_day) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row((asked.pk, 9, 1, "any"))


WAYS = {
    "create": (lambda asked: periods(asked)[0].save(), [("insert", [])]),
    "bulk_create": (lambda asked: RequestedPeriod.objects.bulk_create(periods(asked)), [("insert", [])] * 2),
    "COPY": (copied, [("insert", [])]),
    "save": (lambda asked: asked.periods.get().save(), []),  # nothing is different
    "update": (lambda asked: asked.periods.update(part_of_day="morning"), [("update", ["part_of_day"])]),
    "bulk_update": (
        lambda asked: RequestedPeriod.objects.bulk_update(
            [RequestedPeriod(pk=asked.periods.get().pk, part_of_day="morning")], ["part_of_day"]
        ),
        [("update", ["part_of_day"])],
    ),
    "SQL": (
        lambda asked: sql("UPDATE bookings_requestedperiod SET last_day = last_day + 1, position = 8"),
        [("update", ["last_day", "position"])],
    ),
    "delete": (lambda asked: asked.periods.all().delete(), [("delete", [])]),
    "DELETE": (lambda asked: sql("DELETE FROM bookings_requestedperiod"), [("delete", [])]),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_a_record_leaves_its_rows(way):
    change, rows = WAYS[way]
    asked = make.confirmed(asks_for="days", starts_at=None, periods=periods(None, 1))
    before = newest()

    change(asked)

    assert kept(before) == rows


def test_what_is_undone_leaves_no_row():
    before = newest()
    with transaction.atomic():
        make.confirmed()
        transaction.set_rollback(True)

    assert newest() == before


def test_the_trail_holds_no_value():
    asked = make.confirmed(email="canary-mail@example.com", phone="+1 703 555 0147", note="canary-note")
    lifecycle.note(asked, "canary-staff", by=make.staff(), now=make.NOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(bookings_change)::text, '') FROM bookings_change")
        said = cursor.fetchone()[0]
    assert "bookings_appointmentrequest" in said
    assert [word for word in ("canary", "Nguy", "555 0147", "example.com") if word in said] == []


def test_a_change_in_the_admin_bears_the_name_of_who_was_signed_in(client):
    asked, robin = make.confirmed(), make.staff()
    client.force_login(robin)
    before = newest()

    client.post(f"/staff/bookings/appointmentrequest/{asked.pk}/decline/", {"reason": "no_time", "_do": ""})

    table = AppointmentRequest._meta.db_table
    assert Change.objects.filter(pk__gt=before, table=table).values_list("by", "operation").get() == (
        robin.pk,
        "update",
    )


def test_what_patients_and_the_worker_change_bears_no_name():
    asked = make.submitted()
    lifecycle.verify(asked, now=make.NOW)

    assert set(Change.objects.filter(table__startswith="bookings_").values_list("by", flat=True)) == {None}


def test_a_name_ends_with_the_transaction_it_was_said_in(real_commits):
    asked, robin = make.confirmed(), make.staff()
    before = newest()
    with trail.acting(robin):
        asked.appointments.update(sequence=1)
    asked.appointments.update(sequence=2)

    found = Change.objects.filter(pk__gt=before).order_by("pk")
    assert list(found.values_list("by", flat=True)) == [robin.pk, None]


def test_who_becomes_a_manager_stands_in_the_trail():
    robin, before = make.staff(), newest()

    robin.groups.add(Group.objects.create(name="Night shift"))
    robin.user_permissions.add(Permission.objects.first())
    type(robin).objects.filter(pk=robin.pk).update(is_superuser=False)

    found = Change.objects.filter(pk__gt=before).order_by("pk")
    assert list(found.values_list("table", "operation", "columns")) == [
        ("auth_group", "insert", []),
        ("auth_user_groups", "insert", []),
        ("auth_user_user_permissions", "insert", []),
        ("auth_user", "update", ["is_superuser"]),
    ]


ATTACKS = [
    "UPDATE bookings_change SET by = NULL",
    "DELETE FROM bookings_change",
    "TRUNCATE bookings_change",
    "INSERT INTO bookings_change SELECT * FROM bookings_change",
    "UPDATE bookings_accountevent SET kind = 'password'",
    "UPDATE bookings_viewing SET kind = 'list'",
    "DELETE FROM bookings_viewing",
    "TRUNCATE bookings_viewing CASCADE",
    "TRUNCATE bookings_note",
    "TRUNCATE bookings_appointmentrequest CASCADE",
    "ALTER TABLE bookings_change DISABLE TRIGGER ALL",
    "ALTER TABLE bookings_note DISABLE TRIGGER changes_are_kept",
    "DROP TRIGGER changes_are_kept ON bookings_note",
    "DROP TABLE bookings_change",
    "ALTER TABLE bookings_change RENAME TO gone",
    "ALTER TABLE bookings_note ALTER COLUMN text SET DEFAULT ''",
    "CREATE OR REPLACE FUNCTION bookings_keep_change() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
    "DROP FUNCTION bookings_keep_change CASCADE",
    "SET session_replication_role = replica",
    "CREATE TABLE public.bookings_change2 (id int)",
    "SET ROLE clinic_owner",
    "SELECT set_config('session_replication_role', 'replica', true)",
    "CREATE TEMPORARY TABLE bookings_appointmentrequest (id bigint)",
    "CREATE SCHEMA own",
    "CREATE OPERATOR public.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
    "CREATE RULE kept AS ON DELETE TO bookings_note DO INSTEAD NOTHING",
    "DO $$ BEGIN EXECUTE 'ALTER TABLE bookings_note DISABLE TRIGGER ALL'; END $$",
    "MERGE INTO bookings_change USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "SELECT setval('bookings_change_id_seq', 1)",
    "COPY bookings_note TO PROGRAM 'cat'",
    "COPY bookings_note TO '/tmp/notes'",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT lo_import('/etc/hostname')",
    "ALTER ROLE clinic_app SUPERUSER",
    "SELECT rolpassword FROM pg_authid",
    "DELETE FROM bookings_appointmentrequest",
    "DELETE FROM bookings_appointment",
    "DELETE FROM bookings_message",
    "DELETE FROM bookings_event",
    "UPDATE bookings_event SET by_id = NULL",
]


@pytest.fixture
def as_the_application():
    """The connection with no more rights than the application has in production."""
    trail.viewed(make.staff(), [make.confirmed()], kind=trail.Kind.RECORD, now=make.NOW)
    sql("SET CONSTRAINTS ALL IMMEDIATE", (settings.BASE_DIR / "deploy" / "roles.sql").read_text())
    sql("SET LOCAL SESSION AUTHORIZATION clinic_app")


@pytest.mark.usefixtures("as_the_application")
def test_no_right_of_the_application_reaches_the_trail():
    before = (newest(), Change.objects.count())
    accepted = []
    for attack in ATTACKS:
        try:
            with transaction.atomic():
                sql(attack)
                accepted.append(attack)
        except Error:
            pass

    assert accepted == []
    assert (newest(), Change.objects.count()) == before


STAND_INS = {
    "of the requests, for a note": (
        "CREATE TEMPORARY TABLE bookings_appointmentrequest (LIKE public.bookings_appointmentrequest)",
        "DELETE FROM public.bookings_note",
    ),
    "first of all, for a note": (
        "CREATE TEMPORARY TABLE bookings_appointmentrequest AS SELECT 1 AS id, now() AS erased_at",
        "SET LOCAL search_path = pg_temp, public",
        "DELETE FROM public.bookings_note",
    ),
}


@pytest.fixture
def with_tables_of_its_own(as_the_application):
    """As if the application's role might make temporary tables after all."""
    sql("RESET SESSION AUTHORIZATION")
    asked = AppointmentRequest.objects.get()
    lifecycle.note(asked, "Wants a dim room.", by=make.staff("zoe"), now=make.NOW)
    sql(
        "SET CONSTRAINTS ALL IMMEDIATE",
        f'GRANT TEMPORARY ON DATABASE "{connection.settings_dict["NAME"]}" TO clinic_app',
        "SET LOCAL SESSION AUTHORIZATION clinic_app",
    )


@pytest.mark.usefixtures("with_tables_of_its_own")
@pytest.mark.parametrize("stand_in", STAND_INS)
def test_no_table_of_the_application_s_own_stands_in_for_a_real_one(stand_in):
    with pytest.raises(Error, match="A note goes when its request is erased"), transaction.atomic():
        sql(*STAND_INS[stand_in])


@pytest.mark.usefixtures("with_tables_of_its_own")
def test_a_table_of_the_application_s_own_does_not_stand_in_for_the_trail():
    before = newest()
    sql(
        "CREATE TEMPORARY TABLE bookings_change (LIKE public.bookings_change)",
        "SET LOCAL search_path = pg_temp, public",
    )
    sql("UPDATE public.bookings_appointment SET sequence = 9")
    sql("SET LOCAL search_path = public", "DROP TABLE pg_temp.bookings_change")

    assert kept(before, "bookings_appointment") == [("update", ["sequence"])]


def test_each_function_of_ours_looks_its_tables_up_where_it_says_itself():
    """A new one says so at its end: SET search_path = pg_catalog, public, pg_temp."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "AND NOT starts_with(proname, 'procrastinate_') AND oid NOT IN ("
            "SELECT objid FROM pg_depend WHERE classid = 'pg_proc'::regclass AND deptype = 'e')"
        )
        found = dict(cursor.fetchall())

    assert len(found) > 15
    assert {
        name for name, said in found.items() if said != ["search_path=pg_catalog, public, pg_temp"]
    } == set()


def test_a_note_does_not_go_before_or_after_a_request_that_is_deleted():
    asked = make.confirmed()
    lifecycle.note(asked, "Wants a dim room.", by=make.staff(), now=make.NOW)
    note, request = "DELETE FROM bookings_note", "DELETE FROM bookings_appointmentrequest"
    for way in ((note, request), (request, note)):
        with pytest.raises(Error, match="A note goes when its request is erased"), transaction.atomic():
            sql("SET CONSTRAINTS ALL DEFERRED", *way)


def test_an_erasure_is_never_undone():
    asked = make.confirmed()
    lifecycle.decline(asked, reason="no_time", by=make.staff(), now=make.NOW)
    asked.refresh_from_db()
    lifecycle.erase(asked, by=None, now=make.NOW)

    for value in ("NULL", "now()"):
        with pytest.raises(Error, match="stays erased"), transaction.atomic():
            sql(f"UPDATE bookings_appointmentrequest SET erased_at = {value}, email = 'a@example.com'")  # noqa: S608


@pytest.mark.usefixtures("as_the_application")
def test_with_these_rights_a_request_can_be_asked_for_decided_and_erased():
    asked = make.confirmed(email="other@example.com")
    lifecycle.accept(asked, by=make.staff("kim"), now=make.NOW)

    assert Appointment.objects.filter(request=asked).values_list("status", flat=True).get() == "booked"
    own = Change.objects.filter(table=asked._meta.db_table, row=asked.pk)
    assert set(own.values_list("role", flat=True)) == {"clinic_app"}
    declined = make.confirmed(email="third@example.com")
    lifecycle.note(declined, "Wants a dim room.", by=make.staff("lee"), now=make.NOW)
    lifecycle.decline(declined, reason="no_time", by=make.staff("zoe"), now=make.NOW)
    declined.refresh_from_db()
    lifecycle.erase(declined, by=None, now=make.NOW)
    assert not declined.notes.exists()


@pytest.mark.usefixtures("as_the_application")
def test_after_six_years_a_row_of_the_trail_goes_by_one_way_alone():
    sql("RESET SESSION AUTHORIZATION", "SET LOCAL session_replication_role = replica")
    for table in ("bookings_change", "bookings_viewing"):
        sql(f"UPDATE {table} SET at = now() - interval '6 years' + interval '1 day'")  # noqa: S608
    sql(
        "UPDATE bookings_viewing SET at = now() - interval '6 years 1 second'",
        "UPDATE bookings_change SET at = now() - interval '7 years' WHERE operation = 'insert'",
        "SET LOCAL session_replication_role = origin",
        "SET LOCAL SESSION AUTHORIZATION clinic_app",
    )
    old, young = (Change.objects.filter(operation=name).count() for name in ("insert", "update"))
    with pytest.raises(Error, match="permission denied"), transaction.atomic():
        sql("DELETE FROM bookings_change")

    assert (trail.forget(), trail.forget()) == (old + 1, 0)
    assert Change.objects.count() == young > 0 and not Viewing.objects.exists()


def test_the_owner_too_must_go_out_of_their_way():
    make.confirmed()
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    for attack in [*ATTACKS[:3], "TRUNCATE bookings_appointmentrequest CASCADE"]:
        with pytest.raises(Error, match=r"only ever added to|are not emptied"), transaction.atomic():
            sql(attack)


def test_a_manager_reads_who_has_changed_a_request(client):
    asked, other, robin = make.confirmed(), make.confirmed(email="o@example.com"), make.staff()
    client.force_login(robin)
    client.post(f"/staff/bookings/appointmentrequest/{asked.pk}/decline/", {"reason": "no_time", "_do": ""})

    page = client.get(f"{TRAIL}?q={asked.reference.lower()}").text

    assert "robin" in page and "nobody signed in" in page and asked.reference in page
    assert other.reference not in page and "Nguy" not in page
    assert client.get(f"{TRAIL}?q=nobody").context_data["cl"].result_count == 0
    assert [client.post(TRAIL + act).status_code for act in ("add/", "1/change/", "1/delete/")] == [403] * 3
