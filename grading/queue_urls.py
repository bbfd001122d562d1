from django.urls import path

from grading.views import queue

urlpatterns = [
    path("assignments/<int:pk>/review/", queue.review_list, name="review_list"),
]
