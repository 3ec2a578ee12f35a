from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth import views as auth
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path, reverse
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django.models import ProcrastinateJob

from bookings.admin import reports
from bookings.models import Location
from clinic_site import account, search, second_factor, views
from clinic_site.signing_in import Change, Choose, ResetForm, SignInForm
from pages.sitemaps import PageSitemap

admin.site.site_header = admin.site.site_title = "Front desk"
admin.site.index_title = "Front desk"
admin.site.enable_nav_sidebar = False  # its width belongs to the worklist
# The queue's own page needs inline styles, which our policy forbids, and shows nothing for people.
admin.site.unregister(ProcrastinateJob)
# Keys and codes are nobody's to read: each sees their own account, and a manager resets a colleague's.
admin.site.unregister([StaticDevice, TOTPDevice])
admin.site.unregister(get_user_model())
admin.site.register(get_user_model(), account.AccountAdmin)
admin.site.login_form = SignInForm

handler400 = "clinic_site.views.bad_request"
handler403 = "clinic_site.views.forbidden"
handler404 = "clinic_site.views.not_found"
handler500 = "clinic_site.views.server_error"


class OtherSitemap(PageSitemap):
    """What is public without being a page of ours."""

    def items(self):
        places = Location.objects.filter(is_listed=True)
        names = ("start_request", "locations", "site_map", "headache_diary", "attack_card")
        return [reverse(name) for name in names] + [place.get_absolute_url() for place in places]

    def location(self, address):
        return address

    lastmod = None


PASSKEYS = [
    path("registration/begin/", second_factor.BeginPasskey.as_view(), name="credential-registration-begin"),
    path(
        "registration/complete/", second_factor.KeepPasskey.as_view(), name="credential-registration-complete"
    ),
    path(
        "authentication/begin/",
        second_factor.BeginUsingPasskey.as_view(),
        name="credential-authentication-begin",
    ),
    path(
        "authentication/complete/",
        second_factor.UsePasskey.as_view(),
        name="credential-authentication-complete",
    ),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="js-i18n-catalog"),
]
NAMES = {"extra_context": {"site_header": admin.site.site_header, "site_title": admin.site.site_title}}
RESET = {
    "form": auth.PasswordResetView.as_view(form_class=ResetForm, **NAMES),
    "sent": auth.PasswordResetDoneView.as_view(**NAMES),
    "choose": Choose.as_view(**NAMES),
    "done": auth.PasswordResetCompleteView.as_view(**NAMES),
}
ACCOUNTS = [
    path("second-factor/", admin.site.admin_view(second_factor.ask), name="second_factor"),
    path("second-factor/new/", admin.site.admin_view(second_factor.set_up), name="set_up_second_factor"),
    path("passkey/", include((PASSKEYS, "otp_webauthn"))),
    path("account/", admin.site.admin_view(account.show), name="account"),
    path("account/sessions/", admin.site.admin_view(account.end_sessions), name="end_sessions"),
    path("account/codes/", admin.site.admin_view(account.new_codes), name="new_codes"),
    path("account/remove/<path:device>/", admin.site.admin_view(account.remove), name="remove_device"),
    path("password_change/", admin.site.admin_view(Change.as_view())),  # in place of the admin's own
    path("colleagues/", admin.site.admin_view(account.colleagues), name="colleagues"),
    path("colleagues/<int:pk>/", admin.site.admin_view(account.recover), name="recover_colleague"),
    path("reset/", RESET["form"], name="admin_password_reset"),
    path("reset/sent/", RESET["sent"], name="password_reset_done"),
    path("reset/done/", RESET["done"], name="password_reset_complete"),
    path("reset/<uidb64>/<token>/", RESET["choose"], name="password_reset_confirm"),
]
SITEMAPS = {"pages": PageSitemap, "others": OtherSitemap}

urlpatterns = [
    path("robots.txt", views.robots),
    path(
        "sitemap.xml", cache_control(public=True, max_age=60)(sitemap), {"sitemaps": SITEMAPS}, name="sitemap"
    ),
    path(".well-known/security.txt", views.security_txt),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("search/", search.search, name="search"),
    path("display/", views.choose_display, name="choose_display"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("staff/mail/", views.demo_mail, name="demo_mail"),
    path("staff/", admin.site.admin_view(views.staff_home)),
    path("staff/reports/", admin.site.admin_view(reports.show), name="reports"),
    path("staff/reports/save/", admin.site.admin_view(reports.save), name="save_reports"),
    path("staff/export/", admin.site.admin_view(reports.export), name="export_requests"),
    path("staff/", include(ACCOUNTS)),
    path("staff/", admin.site.urls),
    path("", include("bookings.urls")),
    path("", include("pages.urls")),
]
