"""All writes of the app. Keyword-only; who may call them is decided by courses.access before.

What only a worker calls (jobs, results, training_work, workers, upkeep, mails) is imported from its own module.
"""

from grading.services.examples import example_exclude, example_restore
from grading.services.exports import grades_as_csv, grades_as_xlsx
from grading.services.imports import grades_import, marked_answers_import
from grading.services.pilots import pilot_start
from grading.services.refit import grades_refit
from grading.services.regrades import regrade_answer, regrade_ask, regrade_take_back
from grading.services.release import grade_release_again, grade_withdraw, grades_release
from grading.services.release_plans import release_plan_cancel, release_plan_set
from grading.services.review import (
    grade_approve,
    grade_by_hand,
    grade_change,
    grade_regrade,
    grade_reject,
    grade_reopen,
)
from grading.services.run_progress import RunProgress, run_progress
from grading.services.runs import (
    grading_run_cancel,
    grading_run_retry_failed,
    grading_run_start,
    worker_listening,
)
from grading.services.second_marks import second_mark_give, second_mark_settle
from grading.services.shadows import version_shadow_start, version_shadow_stop
from grading.services.training import (
    may_resume,
    training_log_path,
    training_run_cancel,
    training_run_resume,
    training_run_start,
)
from grading.services.training_sets import training_set_delete, training_set_upload
from grading.services.trials import trial_start
from grading.services.version_files import version_archive, version_delete, version_import
from grading.services.versions import (
    previous_version,
    version_promote,
    version_register,
    version_reject,
    version_retire,
    version_roll_back,
)

__all__ = [
    "RunProgress",
    "example_exclude",
    "example_restore",
    "grade_approve",
    "grade_by_hand",
    "grade_change",
    "grade_regrade",
    "grade_reject",
    "grade_release_again",
    "grade_reopen",
    "grade_withdraw",
    "grades_as_csv",
    "grades_as_xlsx",
    "grades_import",
    "grades_refit",
    "grades_release",
    "grading_run_cancel",
    "grading_run_retry_failed",
    "grading_run_start",
    "marked_answers_import",
    "may_resume",
    "pilot_start",
    "previous_version",
    "regrade_answer",
    "regrade_ask",
    "regrade_take_back",
    "release_plan_cancel",
    "release_plan_set",
    "run_progress",
    "second_mark_give",
    "second_mark_settle",
    "training_log_path",
    "training_run_cancel",
    "training_run_resume",
    "training_run_start",
    "training_set_delete",
    "training_set_upload",
    "trial_start",
    "version_archive",
    "version_delete",
    "version_import",
    "version_promote",
    "version_register",
    "version_reject",
    "version_retire",
    "version_roll_back",
    "version_shadow_start",
    "version_shadow_stop",
    "worker_listening",
]
