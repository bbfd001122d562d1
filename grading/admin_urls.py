"""The addresses of the site admins' pages; grading.urls takes them in."""

from django.urls import path

from grading.views import estimates, health, style_guide, training, training_sets, versions

urlpatterns = [
    path("versions/", versions.versions, name="versions"),
    path("versions/roll-back/", versions.version_roll_back, name="version_roll_back"),
    path("versions/<int:pk>/", versions.version, name="version"),
    path("versions/<int:pk>/promote/", versions.version_promote, name="version_promote"),
    path("versions/<int:pk>/retire/", versions.version_retire, name="version_retire"),
    path("versions/<int:pk>/reject/", versions.version_reject, name="version_reject"),
    path("versions/<int:pk>/card.md", versions.version_card, name="version_card"),
    path("training/", training.training_list, name="training_list"),
    path("training/new/", training.training_new, name="training_new"),
    path("training/new/estimate/", estimates.training_estimate, name="training_estimate"),
    path("training/sets/", training_sets.training_sets, name="training_sets"),
    path("training/sets/<int:pk>/delete/", training_sets.training_set_delete, name="training_set_delete"),
    path("training/<int:pk>/", training.training, name="training"),
    path("training/<int:pk>/progress/", training.training_progress, name="training_progress"),
    path("training/<int:pk>/cancel/", training.training_cancel, name="training_cancel"),
    path("health/", health.health, name="health"),
    path("style/", style_guide.style_guide, name="style_guide"),
]
