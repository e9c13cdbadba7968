"""Who decides about production access."""

from breakglass import pagerduty, reducer, slack


@reducer
def get_approvers(evt):
    # On call: a DM with Approve for the requester alone.
    if pagerduty.is_on_call(evt.user):
        return slack.user(evt.user)
    # Otherwise the managers on call, each in a DM; the first decision counts.
    return slack.group(pagerduty.users_on_call(escalation_policy_name="mgr_on_call"))
