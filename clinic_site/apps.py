from importlib import import_module

from django.apps import AppConfig


class ClinicSite(AppConfig):
    name = "clinic_site"

    def ready(self):
        """Whoever signs in, by whatever way, has a session whose time is counted from then on."""
        import_module("clinic_site.sessions")  # not at the top: it needs the models
