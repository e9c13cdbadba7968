from breakglass import pagerduty, reducer, slack

@reducer
def get_approvers(evt):
    if pagerduty.is_on_call(evt.user):
        return slack.user(evt.user)                       # self-approval in a DM
    return slack.group(pagerduty.users_on_call(escalation_policy_name="mgr_on_call"))
