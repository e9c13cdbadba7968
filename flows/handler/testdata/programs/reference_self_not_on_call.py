# scene: who=sam
from sym.sdk.annotations import hook, reducer
from sym.sdk.integrations import pagerduty, slack

def get_approvers(evt):
    # In this example, being on call allows for self-approvals.
    # This branch is triggered if the User is on call 
    # in any escalation policy of the PagerDuty account
    if pagerduty.is_on_call(evt.user):
        # This is a self-approval in a DM
        return slack.user(evt.user)
# want:
# call: pagerduty.is_on_call(user={T1/U0SAM PSAM}) -> no false
# no route
