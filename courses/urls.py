from django.urls import path

from courses.views import assignments, consent, courses, home, members, rubrics, submissions, uploads

app_name = "courses"

urlpatterns = [
    path("", home.home, name="home"),
    path("courses/", courses.course_list, name="course_list"),
    path("courses/new/", courses.course_new, name="course_new"),
    path("courses/<int:pk>/", courses.course, name="course"),
    path("courses/<int:pk>/edit/", courses.course_edit, name="course_edit"),
    path("courses/<int:pk>/consent/", consent.consent, name="consent"),
    path("courses/<int:pk>/members/", members.members, name="members"),
    path("courses/<int:pk>/enrol/", members.enrol, name="enrol"),
    path("courses/<int:pk>/assignments/new/", assignments.assignment_new, name="assignment_new"),
    path("members/<int:pk>/role/", members.member_role, name="member_role"),
    path("members/<int:pk>/remove/", members.member_drop, name="member_remove"),
    path("members/<int:pk>/invite/", members.member_invite, name="member_invite"),
    path("assignments/<int:pk>/", assignments.assignment, name="assignment"),
    path("assignments/<int:pk>/edit/", assignments.assignment_edit, name="assignment_edit"),
    path("assignments/<int:pk>/rubric/", rubrics.rubric_edit, name="rubric_edit"),
    path("assignments/<int:pk>/submit/", submissions.submit, name="submit"),
    path("assignments/<int:pk>/files/", uploads.upload_files, name="upload_files"),
    path("assignments/<int:pk>/table/", uploads.upload_table, name="upload_table"),
    path("unmatched/<int:pk>/assign/", uploads.unmatched_assign, name="unmatched_assign"),
    path("unmatched/<int:pk>/discard/", uploads.unmatched_discard, name="unmatched_discard"),
    path("submissions/<int:pk>/", submissions.submission, name="submission"),
    path("submissions/<int:pk>/original/", submissions.submission_original, name="submission_original"),
]
