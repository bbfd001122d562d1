"""Every address of the site; the apps name their own."""

from django.contrib import admin
from django.contrib.auth.views import PasswordResetView
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from courses.passwords import InvitedPasswordResetForm
from gradingsite import health, metrics

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("healthz", health.healthz, name="healthz"),
    path(
        "accounts/password_reset/",
        PasswordResetView.as_view(form_class=InvitedPasswordResetForm),
        name="password_reset",
    ),
    path("accounts/", include("django.contrib.auth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="javascript-catalog"),
    path("site-admin/", admin.site.urls),
    path("grading/", include("grading.urls")),
    path("", include("courses.urls")),
]

handler400 = "courses.views.errors.bad_request"
