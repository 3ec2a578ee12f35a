from django.contrib import admin
from django.urls import include, path
from procrastinate.contrib.django.models import ProcrastinateJob

from clinic_site import views

admin.site.site_header = admin.site.site_title = "Front desk"
admin.site.index_title = "Front desk"
admin.site.enable_nav_sidebar = False  # its width belongs to the worklist
# The queue's own page needs inline styles, which our policy forbids, and shows nothing for people.
admin.site.unregister(ProcrastinateJob)

handler404 = "clinic_site.views.not_found"
handler500 = "clinic_site.views.server_error"

urlpatterns = [
    path("healthz", views.healthz),
    path("display/", views.choose_display, name="choose_display"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("staff/mail/", views.demo_mail, name="demo_mail"),
    path("staff/", admin.site.urls),
    path("", include("bookings.urls")),
    path("", include("pages.urls")),
]
