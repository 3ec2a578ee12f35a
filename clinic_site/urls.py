from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path, reverse
from django.views.decorators.cache import cache_control
from procrastinate.contrib.django.models import ProcrastinateJob

from bookings.admin import reports
from bookings.models import Location
from clinic_site import views
from pages.sitemaps import PageSitemap

admin.site.site_header = admin.site.site_title = "Front desk"
admin.site.index_title = "Front desk"
admin.site.enable_nav_sidebar = False  # its width belongs to the worklist
# The queue's own page needs inline styles, which our policy forbids, and shows nothing for people.
admin.site.unregister(ProcrastinateJob)

handler400 = "clinic_site.views.bad_request"
handler403 = "clinic_site.views.forbidden"
handler404 = "clinic_site.views.not_found"
handler500 = "clinic_site.views.server_error"


class OtherSitemap(PageSitemap):
    """What is public without being a page of ours."""

    def items(self):
        places = Location.objects.filter(is_listed=True)
        return [reverse(name) for name in ("start_request", "locations", "site_map")] + [
            place.get_absolute_url() for place in places
        ]

    def location(self, address):
        return address

    lastmod = None


SITEMAPS = {"pages": PageSitemap, "others": OtherSitemap}

urlpatterns = [
    path("robots.txt", views.robots),
    path(
        "sitemap.xml", cache_control(public=True, max_age=60)(sitemap), {"sitemaps": SITEMAPS}, name="sitemap"
    ),
    path(".well-known/security.txt", views.security_txt),
    path("healthz", views.healthz),
    path("display/", views.choose_display, name="choose_display"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("staff/mail/", views.demo_mail, name="demo_mail"),
    path("staff/", admin.site.admin_view(views.staff_home)),
    path("staff/reports/", admin.site.admin_view(reports.show), name="reports"),
    path("staff/reports/save/", admin.site.admin_view(reports.save), name="save_reports"),
    path("staff/export/", admin.site.admin_view(reports.export), name="export_requests"),
    path("staff/", admin.site.urls),
    path("", include("bookings.urls")),
    path("", include("pages.urls")),
]
