"""The addresses of what is kept about a person; grading.urls takes them in."""

from django.urls import path

from grading.views import people

urlpatterns = [
    path("my-data.zip", people.my_data, name="my_data"),
    path("people/", people.people, name="people"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/data.zip", people.person_data, name="person_data"),
    path("people/<int:pk>/delete/", people.person_delete, name="person_delete"),
]
