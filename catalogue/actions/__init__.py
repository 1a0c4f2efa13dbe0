"""What people do with versions, deliveries and the people in them."""

from catalogue.actions.definitions import LoadOutcome, load_definition
from catalogue.actions.deliveries import (
    expect_answer,
    open_delivery,
    plan_delivery,
    set_policy,
    set_schedule,
)
from catalogue.actions.hooks import when
from catalogue.actions.imports import PeoplePlan, import_people, read_people
from catalogue.actions.people import (
    add_person,
    assign_role,
    end_enrolment,
    end_role,
    enrol,
    invite,
)
from catalogue.actions.versions import (
    approve_version,
    approve_version_with_changes,
    confirm_minor_changes,
    publish_version,
    reject_version,
    retire_version,
    send_version_back,
    send_version_to_pre_moderation,
)

__all__ = [
    "LoadOutcome",
    "PeoplePlan",
    "add_person",
    "approve_version",
    "approve_version_with_changes",
    "assign_role",
    "confirm_minor_changes",
    "end_enrolment",
    "end_role",
    "enrol",
    "expect_answer",
    "import_people",
    "invite",
    "load_definition",
    "open_delivery",
    "plan_delivery",
    "publish_version",
    "read_people",
    "reject_version",
    "retire_version",
    "send_version_back",
    "send_version_to_pre_moderation",
    "set_policy",
    "set_schedule",
    "when",
]
