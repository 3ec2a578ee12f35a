"""An URLconf of views that say of what is somebody's that it is for everybody."""

import random

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import path

import clinic_site.urls


def public(view):
    """As the views of the site say it, where a view says nothing else itself."""

    def say(request):
        response = view(request)
        response.headers.setdefault("Cache-Control", "public, max-age=60")
        return response

    return say


def sets_a_cookie(request):
    response = HttpResponse("hello")
    response.set_cookie("seen", "1")
    return response


def carries_a_token(request):
    return HttpResponse(get_token(request))


def carries_a_field(request):
    return HttpResponse('<input type="hidden" name="csrfmiddlewaretoken">')


def reads_the_session(request):
    return HttpResponse(str(request.session.get("journeys")))


def names_the_reader(request):
    return HttpResponse(f"Hello {request.user}")


def says_a_message(request):
    messages.success(request, "Saved.")
    return HttpResponse("hello")


def shows_a_message(request):
    messages.success(request, "Saved.")
    return HttpResponse(" ".join(str(message) for message in messages.get_messages(request)))


def shows_the_messages(request):
    return HttpResponse(" ".join(str(message) for message in messages.get_messages(request)))


def varies_on_something_else(request):
    return HttpResponse("hello", headers={"Vary": "User-Agent"})


def tells_the_browser(request):
    return HttpResponse(request.headers.get("User-Agent", "none"))


def tells_the_address(request):
    return HttpResponse(request.META["REMOTE_ADDR"])


def tells_a_cookie(request):
    return HttpResponse(request.COOKIES.get("csrftoken", "none"))


def tells_by_chance(request):
    return HttpResponse(str(random.random()))  # noqa: S311


def says_two_things(request):
    return HttpResponse("hello", headers={"Cache-Control": "public, no-store"})


def says_for_how_long(request):
    return HttpResponse("hello", headers={"Cache-Control": "max-age=60"})


def is_not_there(request):
    return HttpResponse("gone", status=404)


def comes_in_pieces(request):
    return StreamingHttpResponse(["hello"])


WRONG = [
    sets_a_cookie,
    carries_a_token,
    carries_a_field,
    reads_the_session,
    names_the_reader,
    says_a_message,
    shows_a_message,
    shows_the_messages,
    varies_on_something_else,
    tells_the_browser,
    tells_the_address,
    tells_a_cookie,
    tells_by_chance,
    says_two_things,
    says_for_how_long,
    is_not_there,
    comes_in_pieces,
]


def right(request):
    return HttpResponse("hello")


urlpatterns = [
    *(path(f"{view.__name__}/", public(view)) for view in [*WRONG, right]),
    *clinic_site.urls.urlpatterns,
]
