"""The addresses of what is kept about a person; grading.urls takes them in."""

from django.urls import path

from grading.views import people

urlpatterns = [
    path("my-data.zip", people.my_data, name="my_data"),
]
