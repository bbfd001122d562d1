from grading.models.acceptances import Acceptance, AcceptanceSample, AcceptanceState
from grading.models.anchors import AnchoredComment
from grading.models.corrections import Correction, CorrectionBasis
from grading.models.desk import ActedGrade, ActKind, Presence, ReviewAct, SavedComment, SubmissionFlag
from grading.models.grades import CriterionScore, Feedback, Grade, GradeEvent, GradeSource, GradeState
from grading.models.groups import AnswerGroup, GroupedAnswer, GroupKind
from grading.models.jobs import GradingJob, GradingRun, JobState, RunReport, RunScope, Worker, WorkerKind
from grading.models.operations import LastTime, Tally
from grading.models.pilots import Pilot, PilotPaper, PilotState
from grading.models.readings import AnswerReading
from grading.models.regrades import RegradeRequest, RegradeState
from grading.models.release_plans import ReleasePlan, ReleasePlanState
from grading.models.retention import RetentionState, RetentionSweep
from grading.models.rewrites import Rewrite, RewriteState
from grading.models.second_marks import SecondMark, SecondMarkState
from grading.models.shadows import ShadowMark
from grading.models.student_groups import StudentGroup
from grading.models.training import (
    ExampleSource,
    ExampleSplit,
    ExampleState,
    TrainingExample,
    TrainingPoint,
    TrainingRun,
    TrainingRunExample,
    TrainingSet,
    TrainingState,
)
from grading.models.trials import Trial, TrialState
from grading.models.versions import ModelVersion, VersionEvent, VersionState

__all__ = [
    "Acceptance",
    "AcceptanceSample",
    "AcceptanceState",
    "ActKind",
    "ActedGrade",
    "AnchoredComment",
    "AnswerGroup",
    "AnswerReading",
    "Correction",
    "CorrectionBasis",
    "CriterionScore",
    "ExampleSource",
    "ExampleSplit",
    "ExampleState",
    "Feedback",
    "Grade",
    "GradeEvent",
    "GradeSource",
    "GradeState",
    "GradingJob",
    "GradingRun",
    "GroupKind",
    "GroupedAnswer",
    "JobState",
    "LastTime",
    "ModelVersion",
    "Pilot",
    "PilotPaper",
    "PilotState",
    "Presence",
    "RegradeRequest",
    "RegradeState",
    "ReleasePlan",
    "ReleasePlanState",
    "RetentionState",
    "RetentionSweep",
    "ReviewAct",
    "Rewrite",
    "RewriteState",
    "RunReport",
    "RunScope",
    "SavedComment",
    "SecondMark",
    "SecondMarkState",
    "ShadowMark",
    "StudentGroup",
    "SubmissionFlag",
    "Tally",
    "TrainingExample",
    "TrainingPoint",
    "TrainingRun",
    "TrainingRunExample",
    "TrainingSet",
    "TrainingState",
    "Trial",
    "TrialState",
    "VersionEvent",
    "VersionState",
    "Worker",
    "WorkerKind",
]
