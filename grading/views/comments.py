"""The saved comments of a course: a page to keep them, and a list for the desk."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.access import managed_course
from courses.views.requests import PersonRequest, errors_on, sent
from grading.access import managed_comment
from grading.forms import SavedCommentForm
from grading.services.comments import comment_change, comment_save
from grading.services.comments import comment_remove as remove


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def comments(request: PersonRequest, pk: int) -> HttpResponse:
    course = managed_course(request.user, pk)
    form = SavedCommentForm(**sent(request))
    if request.method == "POST" and form.is_valid():
        comment_save(course=course, by=request.user, **form.cleaned_data)
        return redirect("grading:comments", pk)
    context = {"course": course, "form": form, "comments": course.saved_comments.all()}
    return render(request, "grading/comments.html", context, status=422 if form.errors else 200)


@require_safe
@login_required
def comments_list(request: PersonRequest, pk: int) -> JsonResponse:
    rows = managed_course(request.user, pk).saved_comments.values("text")
    return JsonResponse({"comments": list(rows)})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def comment_edit(request: PersonRequest, pk: int) -> HttpResponse:
    comment = managed_comment(request.user, pk)
    form = SavedCommentForm(**sent(request), initial={"text": comment.text})
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            comment_change(comment=comment, by=request.user, **form.cleaned_data)
            return redirect("grading:comments", comment.course_id)
    context = {"course": comment.course, "comment": comment, "form": form}
    return render(request, "grading/comment.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def comment_remove(request: PersonRequest, pk: int) -> HttpResponse:
    comment = managed_comment(request.user, pk)
    remove(comment=comment)
    messages.success(request, _("The comment was removed. Feedback that has it stays as it is."))
    return redirect("grading:comments", comment.course_id)
