"""The addresses of histories, retention and the export for research; grading.urls takes them in."""

from django.urls import path

from grading.views import history, research, retention

urlpatterns = [
    path("history/", history.history, name="history"),
    path("history.csv", history.history_csv, name="history_csv"),
    path("courses/<int:pk>/history/", history.course_history, name="course_history"),
    path("courses/<int:pk>/history.csv", history.course_history_csv, name="course_history_csv"),
    path("retention/", retention.retention, name="retention"),
    path("courses/<int:pk>/retention/", retention.course_retention, name="course_retention"),
    path("courses/<int:pk>/research/", research.research, name="research"),
]
