# scene: who=sam
from breakglass import pagerduty, reducer, slack

@reducer
def get_approvers(evt):
    if pagerduty.is_on_call(evt.user):
        return slack.user(evt.user)                       # self-approval in a DM
    return slack.group(pagerduty.users_on_call(escalation_policy_name="mgr_on_call"))
# want:
# call: pagerduty.is_on_call(user={T1/U0SAM PSAM}) -> no false
# call: pagerduty.users_on_call(escalation_policy=mgr_on_call) -> yes [map[level:1 policy:mgr_on_call schedule:managers user:{T1/U0MARA PMARA}] map[level:2 policy:mgr_on_call schedule: user:{pagerduty/PGHOST PGHOST}]]
# stage: people=[T1/U0MARA] unlinked=[PGHOST]: on call for mgr_on_call, levels 1 and 2
