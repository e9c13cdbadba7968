"""What a handler can import. These files are for editors; nothing runs them."""

from typing import Any, Callable, Optional, TypeVar

from . import pagerduty as pagerduty
from . import slack as slack

F = TypeVar("F", bound=Callable[..., Any])

def reducer(fn: F) -> F:
    """Marks a function that returns a value, like get_approvers."""

def hook(fn: F) -> F:
    """Marks a function that runs at a moment of a request's life."""

def prefetch(fn: F = ..., *, field_name: str = ...) -> F:
    """Marks a function that fills a prompt field."""

def action(fn: F) -> F:
    """The old name of hook."""

class User:
    """A person. Two are equal when they are the same person, whichever way they were found."""
    id: Optional[str]
    """The Slack user, "U0DANA"; None where no link ties the PagerDuty user to Slack."""
    slack_id: Optional[str]
    pagerduty_id: Optional[str]
    name: Optional[str]
    email: Optional[str]
    username: Optional[str]
    """The e-mail address, as Sym calls it."""

class Incident:
    id: str
    number: int
    title: str
    url: str

class Environment:
    name: str

class Flow:
    name: str
    label: str
    environment: Environment
    vars: dict[str, Any]
    """The flow's variables, typed as in the configuration."""

class Payload:
    fields: dict[str, Any]
    user: User
    timestamp: int

class Event:
    """What get_approvers gets: the request that is being routed. Read-only."""
    user: User
    """Who asks."""
    beneficiary: User
    """Who gets the access: the same, unless it was asked on behalf."""
    target: str
    scope: str
    duration: int
    """Seconds."""
    reason: str
    incident: Optional[Incident]
    fields: dict[str, Any]
    """The answers to the flow's prompt fields, typed; with reason, duration and target_id."""
    vars: dict[str, Any]
    flow: Flow
    payload: Payload
    id: str
    name: str
