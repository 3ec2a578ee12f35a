"""Settings decide at start: each test reads them anew, or starts a process of its own."""

import io
import os
import runpy
import subprocess
import sys
from types import SimpleNamespace
from unittest import mock

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

PRODUCTION = {
    "SECRET_KEY": "k7" * 40 + "-long-enough-and-various-0123456789",
    "DATABASE_URL": "postgresql://clinic:secret@db.example/clinic",
    "ALLOWED_HOSTS": "clinic.example",
    "SITE_URL": "https://clinic.example",
    "EMAIL_URL": "smtp://user:secret@mail.example:587?tls=yes",
    "CLINIC_NAME": "A Clinic",
    "CLINIC_PHONE": "(703) 555-0100",
    "CLINIC_EMAIL": "desk@clinic.example",
}


def ours(environment):
    """This environment and nothing else of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **environment}


def made(**environment):
    """The settings that are made of this environment."""
    with mock.patch.dict(os.environ, ours(environment), clear=True):
        return SimpleNamespace(**runpy.run_path(str(settings.BASE_DIR / "clinic_site" / "settings.py")))


def run(*command, **environment):
    """A command with this environment."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=ours({"DJANGO_SETTINGS_MODULE": "clinic_site.settings", **environment}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_production_settings_pass_the_deployment_check():
    result = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture(scope="module")
def said():
    """What one process says of itself: of its passwords and keys, and of its database before and after
    it has become one that answers requests.
    """
    code = (
        "import django; django.setup(); from django.conf import settings as s; "
        "from django.contrib.auth.hashers import make_password; from django.db import connections as c; "
        "print(make_password('a long password')[:16], s.SECOND_FACTOR_REQUIRED, s.OTP_WEBAUTHN_RP_ID, "
        "*s.OTP_WEBAUTHN_ALLOWED_ORIGINS); "
        "o = c.settings['default']['OPTIONS']; print(o.get('options')); "
        "import clinic_site.wsgi; print(o['options'])"
    )
    address = PRODUCTION["DATABASE_URL"] + "?options=-c%20work_mem%3D8MB"
    return run("-c", code, **{**PRODUCTION, "DATABASE_URL": address}).stdout.splitlines()


def test_production_hashes_with_argon2_asks_for_a_second_factor_and_binds_passkeys_to_its_name(said):
    assert said[0] == "argon2$argon2id$ True clinic.example https://clinic.example"


def test_only_who_answers_requests_is_limited_in_how_long_the_database_may_take(said):
    limits = "statement_timeout=5s -c lock_timeout=3s -c idle_in_transaction_session_timeout=10s"
    assert said[1:] == ["-c work_mem=8MB", f"-c {limits} -c work_mem=8MB"]


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_does_not_start_without_its_settings(name):
    environment = {key: value for key, value in PRODUCTION.items() if key != name}

    with pytest.raises(ImproperlyConfigured, match=f"^Set {name}: "):
        made(**environment)


def test_a_wrong_setting_of_a_command_is_one_sentence():
    result = run("manage.py", "check", **{**PRODUCTION, "DATABASE_URL": "mysql://nobody"})

    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "DATABASE_URL cannot be read: it must look like postgresql://clinic:secret@localhost:5432/clinic."
    ]


@pytest.mark.parametrize(
    ("url", "settings_made"),
    [
        ("smtp://us%40er:se%2Fcret@mail.example:2525?tls=yes", "mail.example 2525 us@er se/cret True False"),
        ("smtp://mail.example", "mail.example 587   False False"),
        ("smtps://user:secret@mail.example", "mail.example 465 user secret False True"),
    ],
)
def test_a_mail_server_is_read_from_its_url(url, settings_made):
    names = ["HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL"]

    found = made(**{**PRODUCTION, "EMAIL_URL": url})

    assert " ".join(str(getattr(found, f"EMAIL_{name}")) for name in names) == settings_made


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://"])
def test_a_mail_server_that_cannot_be_read_is_one_sentence(url):
    with pytest.raises(ImproperlyConfigured) as refusal:
        made(**{**PRODUCTION, "EMAIL_URL": url})

    assert str(refusal.value) == (
        "EMAIL_URL cannot be read: it must look like smtp://user:secret@mail.example:587?tls=yes."
    )


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, "90 365"),
        ({"KEEP_REQUESTS_DAYS": "7", "KEEP_COMMENTS_DAYS": " 3650 "}, "7 3650"),
    ],
)
def test_a_clinic_chooses_for_how_long_it_keeps_what(said, found):
    kept = made(**PRODUCTION, **said).KEPT_DAYS

    assert f"{kept['requests']} {kept['comments']}" == found


def test_browsers_are_told_of_this_host_alone_and_of_others_where_the_clinic_says_so():
    def told(**environment):
        found = made(**PRODUCTION, **environment)
        return (
            found.SECURE_HSTS_SECONDS // 31_536_000,
            found.SECURE_HSTS_INCLUDE_SUBDOMAINS,
            found.SECURE_HSTS_PRELOAD,
        )

    assert told() == told(HSTS=" host ") == (2, False, False)
    assert told(HSTS="off") == (0, False, False)
    with pytest.raises(ImproperlyConfigured, match="HSTS cannot be read: it is off, host, "):
        told(HSTS="yes")


@pytest.mark.parametrize("text", ["6", "3651", "-30", "90 days", "9²", "1e2"])
def test_a_number_of_days_that_cannot_be_read_is_one_sentence(text):
    with pytest.raises(ImproperlyConfigured) as refusal:
        made(**{**PRODUCTION, "KEEP_REQUESTS_DAYS": text})

    assert str(refusal.value) == "KEEP_REQUESTS_DAYS cannot be read: it is a number of days, from 7 to 3650."


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, [40, 3, 10]),
        (
            {
                "MAX_REQUESTS_FROM_NETWORK": "1000",
                "MAX_EMAILS_TO_MAILBOX": "2",
                "MAX_PERCENT_HELD_BY_NETWORK": " 25 ",
            },
            [1000, 2, 25],
        ),
    ],
)
def test_a_clinic_chooses_its_limits(said, found):
    assert list(made(**PRODUCTION, **said).LIMITS.values()) == found


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("MAX_REQUESTS_FROM_NETWORK", "9", "it is a number of requests an hour, from 10 to 1000."),
        ("MAX_EMAILS_TO_MAILBOX", "1", "it is a number of emails an hour, from 2 to 10."),
        ("MAX_PERCENT_HELD_BY_NETWORK", "10%", "it is a number of percent, from 1 to 25."),
    ],
)
def test_a_limit_that_cannot_be_read_is_one_sentence(name, text, sentence):
    with pytest.raises(ImproperlyConfigured) as refusal:
        made(**{**PRODUCTION, name: text})

    assert str(refusal.value) == f"{name} cannot be read: {sentence}"


def test_the_demo_never_runs_in_debug_mode():
    assert made(DEMO="yes").DEBUG is False


@pytest.mark.django_db
def test_every_change_of_the_models_has_its_migration():
    said = io.StringIO()

    call_command("makemigrations", check_changes=True, dry_run=True, stdout=said)

    assert said.getvalue() == "No changes detected\n"
