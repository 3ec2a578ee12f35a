"""The door for web servers: public pages from memory, Django for the rest."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from clinic_site.page_cache import PageCache

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_site.settings")
application = get_wsgi_application()
if not settings.DEBUG:  # who writes a template wants to see it
    application = PageCache(application)
