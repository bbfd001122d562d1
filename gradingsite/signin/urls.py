"""Every address about signing in. allauth's views are named one by one: what is not here is not served."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.contrib.auth import views as auth
from django.urls import path
from django.views.decorators.cache import never_cache

from gradingsite.signin import session_views, token_views, views

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("login/", views.SignIn.as_view(), name="account_login"),  # what allauth calls it
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("inactive/", views.inactive, name="account_inactive"),
    path("reauthenticate/", never_cache(account.reauthenticate), name="account_reauthenticate"),
    path("password_change/", views.PasswordChange.as_view(), name="password_change"),
    path("password_change/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("password_reset/", views.PasswordLink.as_view(), name="password_reset"),
    path("password_reset/done/", auth.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.PasswordSet.as_view(), name="password_reset_confirm"),
    path("reset/done/", auth.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("second-factor/", never_cache(mfa.index), name="mfa_index"),
    path("second-factor/code/", mfa.authenticate, name="mfa_authenticate"),
    path("second-factor/again/", never_cache(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("second-factor/on/", never_cache(totp.activate_totp), name="mfa_activate_totp"),
    path("second-factor/off/", never_cache(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("second-factor/codes/", never_cache(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", never_cache(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("sso/", views.sso_start, name="sso_start"),
    path("sso/callback/", views.sso_callback, name="sso_callback"),
    path("sessions/", session_views.sessions, name="sessions"),
    path("sessions/end/", session_views.session_end, name="session_end"),
    path("sessions/end-others/", session_views.sessions_end_others, name="sessions_end_others"),
    path("tokens/", never_cache(token_views.tokens), name="tokens"),
    path("tokens/<int:pk>/withdraw/", token_views.token_withdraw, name="token_withdraw"),
    path("people/<int:pk>/second-factor/reset/", views.factor_reset, name="factor_reset"),
    path("people/<int:pk>/sessions/end/", session_views.person_sessions_end, name="person_sessions_end"),
    path("people/<int:pk>/sso/unlink/", views.sso_unlink, name="sso_unlink"),
]
