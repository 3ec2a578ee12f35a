from django.urls import path
from django.views.decorators.cache import cache_control

from pages import tools, views
from pages.feeds import Changes

urlpatterns = [
    path("", views.page, {"path": ""}, name="home"),
    path("preview/<int:pk>/", views.preview, name="preview"),
    path("feedback/<path:path>/", views.feedback, name="feedback"),
    path("feedback-received/<path:path>/", views.feedback_kept, name="feedback_kept"),
    path("feed.xml", cache_control(public=True, max_age=60)(Changes()), name="feed"),
    path("site-map/", views.site_map, name="site_map"),
    path("tools/headache-diary/", tools.headache_diary, name="headache_diary"),
    path("tools/attack-card/", tools.attack_card, name="attack_card"),
    path("<path:path>/all/", views.whole_guide, name="whole_guide"),
    path("<path:path>/", views.page, name="page"),
]
