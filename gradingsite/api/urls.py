from django.urls import path, re_path

from gradingsite.api import docs, errors
from gradingsite.api.site import api

patterns, _app, _namespace = api.urls
for pattern in patterns:
    if pattern.callback is not None:
        pattern.callback = errors.shaped(pattern.callback)

urlpatterns = [
    path("docs/", docs.api_docs, name="api_docs"),
    path("", (patterns, "ninja", "api")),
    re_path("", docs.unknown, name="api_unknown"),
]
