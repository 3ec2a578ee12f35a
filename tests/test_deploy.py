"""What `deploy/` says agrees with the program. That it works, `tests/faults/many_machines.py` shows."""

import re

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils.encoding import iri_to_uri

from clinic_site import middleware, server
from clinic_site.hashing import PasswordHasher
from clinic_site.page_cache import MOST_BYTES

DEPLOY = settings.BASE_DIR / "deploy"
# Made by the images themselves, and never set where patients are.
NOT_TO_SET = {"DEBUG", "DEMO", "VAR_DIR"}


def read_by_the_settings():
    words = (settings.BASE_DIR / "clinic_site" / "settings.py").read_text()
    return set(re.findall(r'(?:environ\.get|setting|days)\(\s*"([A-Z_]+)"', words))


def test_containers_can_be_given_every_setting():
    compose = (DEPLOY / "compose.yaml").read_text()
    given = set(re.findall(r"^ +([A-Z_]+): ", compose, re.M))

    assert read_by_the_settings() - NOT_TO_SET - given == set()


def test_the_readme_names_every_setting():
    readme = (settings.BASE_DIR / "README.md").read_text()

    assert [name for name in read_by_the_settings() - {"DEBUG", "DEMO"} if f"`{name}`" not in readme] == []


def test_no_worker_goes_through_pgbouncer():
    compose = (DEPLOY / "compose.yaml").read_text()
    worker = compose[compose.index("x-worker:") : compose.index("services:")]

    assert "@db:5432/" in worker and "pgbouncer" not in worker
    assert "worker.env" in (DEPLOY / "systemd" / "clinic-worker@.service").read_text()


def test_every_unit_is_as_closed_as_the_others():
    """All that stands in one unit to shut a process in stands in each."""
    units = [path.read_text() for path in sorted((DEPLOY / "systemd").glob("*.service"))]
    shut_in = [words[words.index("NoNewPrivileges") : words.index("TasksMax")] for words in units]

    assert len(units) == 4 and len(set(shut_in)) == 1


def test_what_the_proxy_logs_has_no_address_no_question_and_no_key_of_a_link():
    words = (DEPLOY / "nginx.conf").read_text()
    [line] = re.findall(r"log_format clinic '(.+)';", words)

    assert set(re.findall(r"\$\w+", line)) == {
        "$time_iso8601",
        "$request_method",
        "$page",
        "$status",
        "$request_time",
        "$upstream_response_time",
    }
    [level] = re.findall(r"error_log \S+ (\w+);", words)
    assert level in ("alert", "emerg")  # at crit it writes the address of whose TLS breaks
    rules = re.findall(r'"~(\^\S+)" ', words)
    for address in ("/confirm/KEY/", "/manage/KEY/estimate/", "/staff/reset/MQ/KEY/"):
        start = next(
            match["start"] for rule in rules if (match := re.match(rule.replace("?<", "?P<"), address))
        )
        assert "KEY" not in start


@pytest.mark.django_db
@pytest.mark.parametrize("letter", ["a", "=", "%3D", "<"])
@pytest.mark.parametrize("page", ["/staff/", "/about", "/staff/pages/page"])
def test_the_head_of_the_longest_answer_fits_into_the_buffer_of_the_proxy(client, page, letter):
    """A redirect repeats the address it was asked for; what does not fit takes both web servers out."""
    letters = (middleware.LONGEST_ADDRESS - len(f"{page}?x=")) // len(iri_to_uri(letter))
    kilobytes = re.search(r"proxy_buffer_size (\d+)k;", (DEPLOY / "nginx.conf").read_text())
    room = int(kilobytes[1]) * 1024 if kilobytes else 4096  # nginx's own

    response = client.get(page, secure=True, QUERY_STRING=f"x={letter * letters}")

    assert response.status_code in (301, 302, 400, 414)  # where the way there would be too long
    assert len(response.serialize_headers()) + len(response.cookies.output()) + 2_000 < room


MEMORY = {"compose.yaml": r"mem_limit: (\d+)m", "systemd/clinic-web@.service": r"MemoryMax=(\d+)G"}


@pytest.mark.parametrize("name", MEMORY)
def test_a_web_server_has_room_for_as_many_sign_ins_at_once_as_it_has_threads(name):
    """Half as much again as the pages it may keep, itself as measured, and a password in each thread."""
    own = int(
        re.search(r"memory of a web process \| (\d+) MB", (settings.BASE_DIR / "README.md").read_text())[1]
    )
    limit = int(re.search(MEMORY[name], (DEPLOY / name).read_text())[1])

    needed = own * 1e6 + MOST_BYTES + server.THREADS * PasswordHasher.memory_cost * 1024

    assert needed * 1.5 <= limit * (2**30 if MEMORY[name].endswith("G") else 2**20)


def test_a_password_is_hashed_at_the_least_cost_that_is_recommended_and_old_hashes_are_made_anew():
    """19 MiB, two passes, one lane: OWASP's Password Storage Cheat Sheet."""
    ours, djangos = PasswordHasher(), Argon2PasswordHasher()
    new, old = (hasher.encode("a long password", hasher.salt()) for hasher in (ours, djangos))

    assert new.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert ours.verify("a long password", old) and not ours.verify("a wrong password", new)
    assert [ours.must_update(one) for one in (new, old)] == [False, True]
