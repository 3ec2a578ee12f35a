"""While a new version is put live, the one before goes on working with the new tables.

Each migration after those that every clinic starts with is looked at by django-migration-linter: what
takes away or renames what the version before uses, asks more of its rows, or holds a big table locked.
How it is done instead stands in deploy/README.md.
"""

import pytest
from django.db.migrations.loader import MigrationLoader
from django_migration_linter import MigrationLinter
from django_migration_linter.sql_analyser import analyse_sql_statements

# The last of each app before the first clinic went live.
STARTS_WITH = {"bookings": "0020_the_trail_ends", "pages": "0009_search_follows_live"}
# What was looked at by a person, and why it harms nobody.
HARMLESS: dict[tuple[str, str], str] = {}


def harm(app, name):
    """What the linter holds against a migration: its errors and its warnings."""
    linter = MigrationLinter(no_cache=True)
    errors, _, warnings = analyse_sql_statements(linter.sql_analyser_class, linter.get_sql(app, name))
    return [issue.code for issue in [*errors, *warnings]]


def later_than_the_start():
    names = MigrationLoader(None).disk_migrations
    return sorted(key for key in names if key[0] in STARTS_WITH and key[1] > STARTS_WITH[key[0]])


# Django wants to be outside of a transaction to say what it would do outside of one.
@pytest.mark.django_db(transaction=True)
def test_each_migration_leaves_the_version_before_at_work():
    assert {
        key: found for key in later_than_the_start() if key not in HARMLESS and (found := harm(*key))
    } == {}


@pytest.mark.django_db
def test_a_migration_that_would_stop_the_version_before_is_found():
    assert harm("bookings", "0015_estimate_location") == ["NOT_NULL"]
