"""The door for web servers: public pages from memory, Django for the rest."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from clinic_site.page_cache import PageCache

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_site.settings")
gc.disable()  # what is made at the start stays: looking through it again and again makes the start longer
application = get_wsgi_application()
if not settings.DEBUG:  # who writes a template wants to see it
    application = PageCache(application)
    application.version.start()  # the first reader's page can be kept already
gc.freeze()  # nor is it looked through later, while a reader waits
gc.enable()
