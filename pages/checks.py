"""What `manage.py check --deploy --database default` says of the pages before a clinic opens."""

from django.conf import settings
from django.core.checks import Tags, Warning, register
from django.db import Error

from pages.models import ClinicFact


@register(Tags.database, deploy=True)
def required_facts_are_written(app_configs=None, databases=None, **options) -> list[Warning]:
    """One warning for each required fact about the practice that is open. The demo owes none.

    A warning, since managers write the facts on the running site: it must be able to start without them.
    """
    if settings.CLINIC["is_demo"] or "default" not in (databases or ()):
        return []
    try:
        facts = list(ClinicFact.objects.required_and_open())
    except Error:  # the tables are not there yet
        return []
    hint = "Write it at /staff/pages/clinicfact/. Until then every page says that the site is being set up."
    return [Warning(f"Nobody has answered: {fact.question}", hint=hint, id="pages.W001") for fact in facts]
