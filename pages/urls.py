from django.urls import path

from pages import views

urlpatterns = [
    path("", views.page, {"path": ""}, name="home"),
    path("preview/<int:pk>/", views.preview, name="preview"),
    path("<path:path>/", views.page, name="page"),
]
