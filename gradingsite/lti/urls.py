from django.urls import path

from gradingsite.lti.views import deep, linking, members, platforms, public, scores

app_name = "lti"

urlpatterns = [
    # What a platform asks for, and where it sends people.
    path("login/", public.login_start, name="login"),
    path("launch/", public.launch, name="launch"),
    path("launch/token/<str:ticket>/", public.follow, name="follow"),
    path("jwks.json", public.jwks, name="jwks"),
    path("canvas.json", public.canvas, name="canvas"),
    # Somebody who came in by a launch.
    path("confirm/", linking.confirm, name="confirm"),
    path("enter/", linking.come_in, name="enter"),
    path("deep-link/", deep.deep_link, name="deep_link"),
    path("contexts/<int:pk>/", linking.context, name="context"),
    path("contexts/<int:pk>/unlink/", linking.context_drop, name="context_unlink"),
    path("contexts/<int:pk>/members/", members.members, name="members"),
    path("links/<int:pk>/", linking.link, name="link"),
    path("assignments/<int:pk>/scores/", scores.scores, name="scores"),
    path("assignments/<int:pk>/scores/again/", scores.scores_again, name="scores_again"),
    # The site's admins.
    path("platforms/", platforms.platforms, name="platforms"),
    path("platforms/new/", platforms.platform_new, name="platform_new"),
    path("platforms/<int:pk>/", platforms.platform, name="platform"),
    path("key/rotate/", platforms.key_renew, name="key_rotate"),
    path("people/<int:pk>/unlink/", platforms.person_drop, name="person_unlink"),
]
