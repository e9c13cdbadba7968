"""Says who is asked and where the card is shown. Nothing is sent by a handler."""

from typing import Any, Optional

from . import User

class Destination:
    """What get_approvers returns."""

def user(
    identifier: User | str,
    *,
    allow_self: Optional[bool] = ...,
    timeout: Optional[int | str] = ...,
    quorum: Optional[int] = ...,
) -> Destination:
    """Asks one person in a DM. The requester herself: self-approval, if the flow allows
    it and allow_self is not False."""

def group(
    users: list[User | str] | str,
    *,
    allow_self: Optional[bool] = ...,
    timeout: Optional[int | str] = ...,
    quorum: Optional[int] = ...,
) -> Destination:
    """Asks several people, each in a DM of their own, however many; the first decision
    (or quorum of them) counts. User groups by handle or id are taken too. Empty: no route."""

def channel(
    name: str,
    *,
    allow_self: Optional[bool] = ...,
    timeout: Optional[int | str] = ...,
    quorum: Optional[int] = ...,
    approvers: Optional[list[User | str]] = ...,
) -> Destination:
    """Shows the card in a channel. approvers may decide; without them the flow's
    fallback approvers may. Being in the channel gives nobody a say."""

def fallback(
    *destinations: Optional[Destination],
    continue_on_delivery_failure: bool = ...,
    continue_on_timeout: bool = ...,
) -> Destination:
    """Asks one after the other, each when the one before it times out."""

def mention(identifier: User | str) -> str:
    """The text that mentions the user in Slack."""

def send_message(*args: Any, **kwargs: Any) -> None:
    """Refused in a reducer."""

def send_thread_message(*args: Any, **kwargs: Any) -> None:
    """Refused in a reducer."""
