"""The public pages for search engines, with the day their words last changed."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap

from pages.models import Page


class PageSitemap(Sitemap):
    """All public pages, at the address of the site, whatever host was asked."""

    @property
    def protocol(self):
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site=None):
        return urlsplit(settings.SITE_URL).netloc

    def items(self):
        return Page.objects.public().select_related("live")

    def lastmod(self, page):
        return page.live.public_since
