"""Every address of the site; the apps name their own."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from gradingsite import health, metrics, violations
from gradingsite.signin.admin import own_password

# The admin's own login would be a way around the second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.password_change = own_password  # type: ignore[method-assign, assignment]

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("csp-report", violations.csp_report, name="csp_report"),
    path("healthz", health.healthz, name="healthz"),
    path("accounts/", include("gradingsite.signin.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="javascript-catalog"),
    path("site-admin/", admin.site.urls),
    path("grading/", include("grading.urls")),
    path("api/", include("gradingsite.api.urls")),
    path("lti/", include("gradingsite.lti.urls")),
    path("", include("courses.urls")),
]

handler400 = "courses.views.errors.bad_request"
