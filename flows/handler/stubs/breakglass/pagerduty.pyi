"""Reads PagerDuty. An answer that is not known stops the handler: the fallback decides."""

from typing import Any, Optional

from . import User

def is_on_call(
    user: User | str,
    *,
    escalation_policy_name: str = ...,
    escalation_policy_id: str = ...,
    schedule_name: str = ...,
    schedule_id: str = ...,
    schedule: str = ...,
    max_level: int = ...,
) -> bool:
    """Whether the user is on call now. Without a policy or schedule, any counts; with
    both, the place must be of both. max_level=1 counts the first level only."""

def users_on_call(
    *,
    escalation_policy_name: str = ...,
    escalation_policy_id: str = ...,
    schedule_name: str = ...,
    schedule_id: str = ...,
    schedule: str = ...,
    max_level: int = ...,
) -> list[User]:
    """Who is on call now, by escalation level, each person once."""

def on_call(
    user: User | str = ...,
    *,
    escalation_policy_name: str = ...,
    escalation_policy_id: str = ...,
    schedule_name: str = ...,
    schedule_id: str = ...,
    schedule: str = ...,
    max_level: int = ...,
) -> Any:
    """is_on_call with a user, users_on_call without: as old handlers say it."""

def get_incidents(
    *,
    assignees: list[User] = ...,
    service_ids: list[str] = ...,
    statuses: list[str] = ...,
    urgencies: list[str] = ...,
    since: None = ...,
    until: None = ...,
) -> list[dict[str, Any]]:
    """The open incidents that fit; of high urgency unless said otherwise."""

def has_incident(
    *,
    assignees: list[User] = ...,
    service_ids: list[str] = ...,
    statuses: list[str] = ...,
    urgencies: list[str] = ...,
    since: None = ...,
    until: None = ...,
) -> bool:
    """Whether any open incident fits."""
