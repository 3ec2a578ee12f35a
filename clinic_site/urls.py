from django.contrib import admin
from django.urls import include, path

from clinic_site import views

admin.site.site_header = admin.site.site_title = "Front desk"
admin.site.index_title = "Today"
admin.site.enable_nav_sidebar = True

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
