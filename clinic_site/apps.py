from importlib import import_module

from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class ClinicSite(AppConfig):
    name = "clinic_site"
    default = True

    def ready(self):
        """Whoever signs in, however they do it, has a session whose time is counted from then on.

        And `check` knows what the pages still owe.
        """
        import_module("clinic_site.sessions")  # not at the top: these need the models
        import_module("pages.checks")


class StaticFiles(StaticFilesConfig):
    """Without what no page of ours asks for: to pack these files was most of the work of a first start.

    The admin has jQuery and XRegExp twice, and uses the short ones; we have no field that needs select2.
    """

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "jquery.js", "xregexp.js", "select2"]
