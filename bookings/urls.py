from django.urls import path, register_converter
from django.urls.converters import StringConverter

from bookings.views import call, estimate, journey, manage, places, sent


class StepConverter(StringConverter):
    regex = "|".join(journey.STEPS)


class OtherWhenConverter(StringConverter):
    regex = "|".join(journey.OTHER_WHEN)


class ActConverter(StringConverter):
    regex = "|".join(manage.VERBS)


register_converter(StepConverter, "step")
register_converter(OtherWhenConverter, "other_when")
register_converter(ActConverter, "act")

urlpatterns = [
    path("request-an-appointment/", journey.start, name="start_request"),
    path("request-an-appointment/who/", journey.first_step, name="request_first_step"),
    path("request-an-appointment/call/", call.call, name="request_call"),
    path("request-an-appointment/<uuid:journey>/sent/", sent.sent, name="request_sent"),
    path("request-an-appointment/<uuid:journey>/sent/undo/", sent.undo, name="request_undo"),
    path("request-an-appointment/<uuid:journey>/sent/again/", sent.again, name="request_again"),
    path("request-an-appointment/<uuid:journey>/sent/contact/", sent.contact, name="request_contact"),
    path("request-an-appointment/<uuid:journey>/<step:step>/", journey.step, name="request_step"),
    path(
        "request-an-appointment/<uuid:journey>/when/<other_when:other>/",
        journey.step,
        {"step": "when"},
        name="request_other_when",
    ),
    path("confirm/<str:token>/", manage.confirm, name="confirm_request"),
    path(
        "confirm/<str:token>/new-link/",
        manage.new_link,
        {"purpose": "confirm_request"},
        name="new_link_to_confirm",
    ),
    path("link-sent/", manage.link_sent, name="link_sent"),
    path("manage/<str:token>/", manage.manage, name="manage_request"),
    path("manage/<str:token>/appointment.ics", manage.calendar, name="request_calendar"),
    path("manage/<str:token>/estimate/", estimate.estimate, name="request_estimate"),
    path("manage/<str:token>/new-link/", manage.new_link, {"purpose": "manage_request"}, name="new_link"),
    path("manage/<str:token>/<act:act>/", manage.act, name="request_act"),
    path("locations/", places.locations, name="locations"),
    path("locations/<slug:slug>/", places.location, name="location"),
]
