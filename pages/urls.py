from django.urls import path

from pages import views

urlpatterns = [
    path("", views.page, {"path": ""}, name="home"),
    path("preview/<int:pk>/", views.preview, name="preview"),
    path("feedback/<path:path>/", views.feedback, name="feedback"),
    path("feedback-received/<path:path>/", views.feedback_kept, name="feedback_kept"),
    path("<path:path>/", views.page, name="page"),
]
