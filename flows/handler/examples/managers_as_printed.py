from sym.sdk.annotations import hook, reducer
from sym.sdk.integrations import pagerduty, slack

def get_approvers(evt):
    # In this example, the manager schedule is fetched,
    # and every User currently on call is put in a group
    # to approve the request.
        on_call_mgrs = pagerduty.users_on_call(escalation_policy_name="mgr_on_call")
