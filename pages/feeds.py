"""An Atom feed of what was published, corrected or reviewed, the newest first."""

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape

from pages.models import Page

MOST = 50


class Changes(Feed):
    """Pages by the day their words became public. Addresses are the site's, whatever host was asked."""

    feed_type = Atom1Feed
    title = f"What changed: {settings.CLINIC['name']}"
    subtitle = "Pages that were published, corrected or reviewed."
    link = f"{settings.SITE_URL}/"
    author_name = settings.CLINIC["name"]

    def feed_url(self):
        return settings.SITE_URL + reverse("feed")

    def items(self):
        pages = Page.objects.public().select_related("live__approved_by")
        return sorted(pages, key=lambda page: page.live.public_since, reverse=True)[:MOST]

    def item_title(self, page):
        return page.live.title

    def item_link(self, page):
        return settings.SITE_URL + page.get_absolute_url()

    def item_guid(self, page):
        """A new one for new words, so that readers of the feed meet the page again."""
        return f"{self.item_link(page)}#revision-{page.live_id}"

    def item_description(self, page):
        return escape(
            f"{page.live.change_note.rstrip('.')}. {_review(page.live)}"
        )  # readers take it for HTML

    def item_updateddate(self, page):
        return page.live.public_since


def _review(revision):
    if not revision.is_approved:
        return "No clinician of this clinic has reviewed this page yet."
    return f"Reviewed by {revision.approved_by.get_full_name() or revision.approved_by}."
