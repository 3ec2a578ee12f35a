"""The door for web servers: public pages from memory, Django for the rest."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from clinic_site.middleware import headers_that_can_be_read
from clinic_site.page_cache import PageCache

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_site.settings")
gc.disable()  # what is made at the start stays: looking through it again and again makes the start longer
site = get_wsgi_application()
if not settings.DEBUG:  # who writes a template wants to see it
    site = PageCache(site)
    site.version.start()  # the first reader's page can be kept already
application = headers_that_can_be_read(site)
gc.freeze()  # nor is it looked through later, while a reader waits
gc.enable()
