from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic_site import backups


class Command(BaseCommand):
    help = "Fill the empty database of DATABASE_URL from a file of `backup`: all of it or nothing."
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)

    def handle(self, *, file, **options):
        try:
            backups.restore(settings.DATABASES["default"], file)
        except backups.BackupFailed as failure:
            raise CommandError(str(failure)) from failure
        self.stdout.write("Restored. Run migrate, then deploy/roles.sql, then start the site.")
