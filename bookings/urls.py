from django.urls import path, register_converter
from django.urls.converters import StringConverter

from bookings.views import journey, manage, places


class StepConverter(StringConverter):
    regex = "|".join(journey.NAMES)


register_converter(StepConverter, "step")

urlpatterns = [
    path("request-an-appointment/", journey.start, name="start_request"),
    path("request-an-appointment/who/", journey.first_step, name="request_first_step"),
    path("request-an-appointment/<uuid:journey>/sent/", journey.sent, name="request_sent"),
    path("request-an-appointment/<uuid:journey>/<step:step>/", journey.step, name="request_step"),
    path("confirm/<str:token>/", manage.confirm, name="confirm_request"),
    path("manage/<str:token>/", manage.manage, name="manage_request"),
    path("locations/", places.locations, name="locations"),
    path("locations/<slug:slug>/", places.location, name="location"),
]
