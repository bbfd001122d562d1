from django.urls import path

from grading.admin_urls import urlpatterns as admin_urls
from grading.people_urls import urlpatterns as people_urls
from grading.queue_urls import urlpatterns as queue_urls
from grading.views import anchors, comments, desk, imports, pilots, regrades, release, review, rewrites, runs, student

app_name = "grading"

urlpatterns = [
    path("courses/<int:pk>/import/", imports.import_marked, name="import_marked"),
    path("assignments/<int:pk>/runs/new/", runs.run_start, name="run_start"),
    path("assignments/<int:pk>/pilot/", pilots.pilot, name="pilot"),
    path("assignments/<int:pk>/pilot/progress/", pilots.pilot_progress, name="pilot_progress"),
    path("assignments/<int:pk>/pilot/start/", pilots.pilot_start, name="pilot_start"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/progress/", runs.run_progress, name="run_progress"),
    path("runs/<int:pk>/cancel/", runs.run_cancel, name="run_cancel"),
    path("runs/<int:pk>/retry/", runs.run_retry, name="run_retry"),
    path("submissions/<int:pk>/review/", review.review, name="review"),
    path("submissions/<int:pk>/by-hand/", review.grade_by_hand, name="grade_by_hand"),
    path("grades/<int:pk>/save/", review.grade_save, name="grade_save"),
    path("grades/<int:pk>/autosave/", desk.grade_autosave, name="grade_autosave"),
    path("courses/<int:pk>/comments/", comments.comments, name="comments"),
    path("courses/<int:pk>/comments/list/", comments.comments_list, name="comments_list"),
    path("comments/<int:pk>/", comments.comment_edit, name="comment_edit"),
    path("comments/<int:pk>/remove/", comments.comment_remove, name="comment_remove"),
    path("submissions/<int:pk>/presence/", desk.presence, name="presence"),
    path("submissions/<int:pk>/flag/", desk.flag, name="flag"),
    path("submissions/<int:pk>/jump/<str:to>/", desk.jump, name="jump"),
    path("assignments/<int:pk>/undo/", desk.undo, name="undo"),
    path("assignments/<int:pk>/papers/", desk.papers, name="papers"),
    path("grades/<int:pk>/anchor/", anchors.anchor, name="anchor"),
    path("grades/<int:pk>/anchor/remove/", anchors.anchor_remove, name="anchor_remove"),
    path("grades/<int:pk>/rewrite/", rewrites.rewrite, name="rewrite"),
    path("grades/<int:pk>/rewrite/ask/", rewrites.rewrite_ask, name="rewrite_ask"),
    path("grades/<int:pk>/rewrite/end/", rewrites.rewrite_end, name="rewrite_end"),
    path("grades/<int:pk>/reopen/", review.grade_reopen, name="grade_reopen"),
    path("grades/<int:pk>/reject/", review.grade_reject, name="grade_reject"),
    path("grades/<int:pk>/regrade/", review.grade_regrade, name="grade_regrade"),
    path("grades/<int:pk>/withdraw/", release.withdraw, name="withdraw"),
    path("grades/<int:pk>/release/", release.release_again, name="release_again"),
    path("assignments/<int:pk>/release/", release.release, name="release"),
    path("assignments/<int:pk>/release/plan/", release.plan, name="release_plan"),
    path("release-plans/<int:pk>/cancel/", release.plan_cancel, name="release_plan_cancel"),
    path("assignments/<int:pk>/regrades/", regrades.regrades, name="regrades"),
    path("submissions/<int:pk>/grade/ask/", regrades.regrade_ask, name="regrade_ask"),
    path("regrades/<int:pk>/take-back/", regrades.regrade_take_back, name="regrade_take_back"),
    path("regrades/<int:pk>/answer/", regrades.regrade_answer, name="regrade_answer"),
    path("assignments/<int:pk>/export.<str:kind>", release.export, name="export"),
    path("submissions/<int:pk>/grade/", student.my_grade, name="my_grade"),
    *people_urls,
    *queue_urls,
    *admin_urls,
]
