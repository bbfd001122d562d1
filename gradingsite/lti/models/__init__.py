from gradingsite.lti.models.links import Context, PlatformPerson, ResourceLink
from gradingsite.lti.models.platforms import Launch, Platform, PlatformEvent, StaffCap, ToolKey
from gradingsite.lti.models.scores import Score, ScoreState

__all__ = [
    "Context",
    "Launch",
    "Platform",
    "PlatformEvent",
    "PlatformPerson",
    "ResourceLink",
    "Score",
    "ScoreState",
    "StaffCap",
    "ToolKey",
]
