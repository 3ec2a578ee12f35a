from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic_site import backups


class Command(BaseCommand):
    help = "Write the whole database into one file, with its SHA-256 beside it. Encrypt it before it travels."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, nargs="?", default=settings.VAR_DIR / "backups")

    def handle(self, *, folder, **options):
        try:
            made = backups.back_up(settings.DATABASES["default"], folder, now=timezone.now())
        except backups.BackupFailed as failure:
            raise CommandError(str(failure)) from failure
        self.stdout.write(f"{made} ({made.stat().st_size:,} bytes)")
