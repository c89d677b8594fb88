"""One file per table; rows mirror pages."""

from elements.models.access import ElementAccess
from elements.models.actions import Action
from elements.models.activities import Activity
from elements.models.call_budgets import CallBudget
from elements.models.changes import Change
from elements.models.debug_records import DebugRecord
from elements.models.elements import Element
from elements.models.instance_descriptions import InstanceDescription
from elements.models.instances import Instance
from elements.models.polls import Poll
from elements.models.scheduled_events import ScheduledEvent
from elements.models.user_settings import UserSettings
from elements.models.wall_screens import WallScreen
from elements.models.worker_beats import WorkerBeat

__all__ = [
    "Action",
    "Activity",
    "CallBudget",
    "Change",
    "DebugRecord",
    "Element",
    "ElementAccess",
    "Instance",
    "InstanceDescription",
    "Poll",
    "ScheduledEvent",
    "UserSettings",
    "WallScreen",
    "WorkerBeat",
]
