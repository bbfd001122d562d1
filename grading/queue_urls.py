from django.urls import path

from grading.views import acceptance, dashboard, evidence, groups, queue

urlpatterns = [
    path("assignments/<int:pk>/review/", queue.review_list, name="review_list"),
    path("assignments/<int:pk>/dashboard/", dashboard.assignment_dashboard, name="dashboard"),
    path("assignments/<int:pk>/groups/", groups.groups, name="groups"),
    path("groups/<int:pk>/", groups.group, name="group"),
    path("groups/<int:pk>/confirm/", groups.group_confirm, name="group_confirm"),
    path("groups/<int:pk>/split/", groups.group_split, name="group_split"),
    path("groups/<int:pk>/merge/", groups.group_merge, name="group_merge"),
    path("submissions/<int:pk>/nearest/", evidence.nearest, name="nearest"),
    path("assignments/<int:pk>/consistency/", evidence.consistency, name="consistency"),
    path("assignments/<int:pk>/promise/", acceptance.promise, name="promise"),
    path("acceptances/<int:pk>/", acceptance.acceptance, name="acceptance"),
]
