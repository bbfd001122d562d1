"""What can go wrong in grading. Rows keep the code; `message_for` gives the words in the reader's language.

User errors are raised to the person who asked (a view shows their message); application errors are only ever stored on
a job or a run that failed.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from courses.errors import UserError


class NoModelVersion(UserError):
    code = "no_model_version"
    words = _("No model version is in use. An administrator has to put one in use before answers can be marked.")


class NothingToMark(UserError):
    code = "nothing_to_mark"
    words = _("There is nothing to mark: no readable submission without an approved grade is left in this selection.")


class EditedMeanwhile(UserError):
    code = "edited_meanwhile"
    words = _("Somebody changed this grade while you had it open. Compare the two; yours is not saved yet.")


class NothingToUndo(UserError):
    code = "nothing_to_undo"
    words = _("There is nothing of yours to undo here, or it is more than half an hour ago.")


class ChangedSince(UserError):
    code = "changed_since"
    words = _("It cannot be undone any more: the grade was changed, marked anew or released since.")


class GroupNeedsMembers(UserError):
    code = "group_needs_members"
    words = _("Tick some of the answers, but not all of them; or choose another group to add these to.")


class NothingToMarkInGroup(UserError):
    code = "nothing_to_mark_in_group"
    words = _("Every answer of this group is decided already.")


class WordsNotFound(UserError):
    code = "words_not_found"
    words = _("The answer does not have these words. Select them again.")


class CommentIsThere(UserError):
    code = "comment_is_there"
    words = _("The course has this comment already.")


class NothingToAccept(UserError):
    code = "nothing_to_accept"
    words = _("The marks so far do not allow that: no paper can be accepted unread with this tolerance and risk.")


class SampleIsMarked(UserError):
    code = "sample_is_marked"
    words = _("This paper of the sample is marked already, or the promise is decided.")


class MarkedBlind(UserError):
    code = "marked_blind"
    words = _("This paper was drawn to check a promise: it is marked there, without its proposal.")


class GradeIsClosed(UserError):
    code = "grade_is_closed"
    words = _("This grade is %(state)s and cannot be changed that way.")


class PointsMissing(UserError):
    code = "points_missing"
    words = _("Give points before you approve.")


class PointsNotAllowed(UserError):
    code = "points_not_allowed"
    words = _("%(what)s: %(points)s is not allowed. Points go from 0 to %(maximum)s in steps of %(step)s.")


class CriteriaExceedMaximum(UserError):
    code = "criteria_exceed_maximum"
    words = _("The criteria add up to %(sum)s points, more than the maximum of %(maximum)s. Set the total yourself.")


class UnknownCriterion(UserError):
    code = "unknown_criterion"
    words = _("One of these criteria does not belong to this grade. Load the page again.")


class SubmissionReplaced(UserError):
    code = "submission_replaced"
    words = _("The student has handed in again; mark the newer submission.")


class NewerGradeReleased(UserError):
    code = "newer_grade_released"
    words = _("Another grade of this submission is released already.")


class NothingToRelease(UserError):
    code = "nothing_to_release"
    words = _("There is no approved grade to release.")


class ReasonMissing(UserError):
    code = "reason_missing"
    words = _("Say what you would like to have looked at again.")


class NotReleasedAnyMore(UserError):
    code = "not_released_any_more"
    words = _("This grade was withdrawn or replaced meanwhile. Load the page again.")


class RegradeTooLate(UserError):
    code = "regrade_too_late"
    words = _("The time for asking is over.")


class RegradeAsked(UserError):
    code = "regrade_asked"
    words = _("You have asked about this grade already.")


class RegradeIsClosed(UserError):
    code = "regrade_is_closed"
    words = _("This request was answered or taken back meanwhile.")


class AnswerMissing(UserError):
    code = "answer_missing"
    words = _("Write an answer to the student first.")


class RegradeNotYetApproved(UserError):
    code = "regrade_not_yet_approved"
    words = _("This paper is being marked anew. Approve the new grade first, or reject it if the old one is to stay.")


class TooManyToTry(UserError):
    code = "too_many_to_try"
    words = _("The rubric is tried on at most %(most)s papers at a time. Tick fewer.")


class NothingToTry(UserError):
    code = "nothing_to_try"
    words = _("There is no readable answer to try the rubric on yet.")


class PilotUnderWay(UserError):
    code = "pilot_under_way"
    words = _("Papers are being marked to try the rubric already. Wait for them.")


class NotYourOwnSecond(UserError):
    code = "not_your_own_second"
    words = _("You gave the first mark. The second one is another person's.")


class MarkedTwiceAlready(UserError):
    code = "marked_twice_already"
    words = _("Somebody gave this paper a second mark meanwhile.")


class SecondMarksMissing(UserError):
    code = "second_marks_missing"
    words = _("All approved papers wait for a second mark, or their two marks need settling first.")


class PlanIsPast(UserError):
    code = "plan_is_past"
    words = _("The time of a planned release must lie in the future.")


class PlanOver(UserError):
    code = "plan_over"
    words = _("This planned release happened, failed or was called off meanwhile.")


class PlannerLeft(UserError):
    code = "planner_left"
    words = _("Who planned the release may not release grades of this course any more.")


class VersionNotReady(UserError):
    code = "version_not_ready"
    words = _("The model version “%(name)s” is %(state)s and cannot take that step.")


class PromotionNeedsReason(UserError):
    code = "promotion_needs_reason"
    words = _("Write down why it is to be put in use all the same. %(doubts)s")


class VersionUnusable(UserError):
    code = "version_unusable"
    words = _("The model version “%(name)s” cannot be used: %(reason)s")


class VersionExists(UserError):
    code = "version_exists"
    words = _("There is a model version named “%(name)s” already.")


class GroupsRefused(UserError):
    code = "groups_refused"
    words = _("The file cannot be used: %(reason)s")


class NothingToResume(UserError):
    code = "nothing_to_resume"
    words = _("This training left no checkpoint to go on from. Start it anew.")


class NoEarlierVersion(UserError):
    code = "no_earlier_version"
    words = _("No other version was in use before, so there is nothing to go back to.")


class TooFewExamples(UserError):
    code = "too_few_examples"
    words = _("%(found)s marked answers are too few to train on; at least %(needed)s are needed.")


class TrainingSettingsRefused(UserError):
    code = "training_settings_refused"
    words = _("These training settings do not work: %(reason)s")


class TrainingSetRefused(UserError):
    code = "training_set_refused"
    words = _("The file cannot be used: %(reason)s")


class TrainingSetInUse(UserError):
    code = "training_set_in_use"
    words = _("“%(name)s” cannot be deleted now: a training that has not ended uses it.")


class RunIsOver(UserError):
    code = "run_is_over"
    words = _("This run is over already.")


_STORED: dict[str, str | Promise] = {
    "worker_lost": _("The worker stopped in the middle, three times. Try again; if it happens again, tell an admin."),
    "model_failed": _("The model failed on this answer, three times."),
    "out_of_memory": _("The machine's memory was too small for this answer."),
    "answer_too_slow": _("Checking the text of this answer took too long. Read it, and mark it by hand."),
    "adapter_unreadable": _("The files of the model version are missing or damaged."),
    "base_unreadable": _("The base model could not be loaded."),
    "approved_meanwhile": _("A person approved a grade while this was being marked; theirs stands."),
    "changed_meanwhile": _("A person worked on the grade while this was being marked; theirs stands."),
    "submission_replaced": _("The student handed in again while this was being marked."),
    "cancelled": _("Cancelled."),
    "no_version": _("The model version was deleted meanwhile. Try again."),
    NothingToRelease.code: NothingToRelease.words,
    PlannerLeft.code: PlannerLeft.words,
    SecondMarksMissing.code: SecondMarksMissing.words,
    EditedMeanwhile.code: _("The grades were being changed at that moment. Release them by hand."),
    "training_failed": _("The training ended with an error."),
    "training_data": _("The training data cannot be used."),
    "training_worker_lost": _("The training worker stopped twice in the middle of the training."),
    "checkpoint_gone": _("The checkpoint that it was to go on from is not there any more."),
    "training_silent": _("The training stopped reporting progress and was ended."),
}


def message_for(code: str) -> str:
    """The words for a stored code, in the language of whoever reads; empty for an empty code."""
    if not code:
        return ""
    return str(_STORED[code]) if code in _STORED else gettext("It failed for an unknown reason (%s).") % code
