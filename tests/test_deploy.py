"""What `deploy/` says agrees with the program. That it works, `tests/faults/many_machines.py` shows."""

import re

from django.conf import settings

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
    rules = re.findall(r'"~(\^\S+)" ', words)
    for address in ("/confirm/KEY/", "/manage/KEY/estimate/", "/staff/reset/MQ/KEY/"):
        start = next(
            match["start"] for rule in rules if (match := re.match(rule.replace("?<", "?P<"), address))
        )
        assert "KEY" not in start
