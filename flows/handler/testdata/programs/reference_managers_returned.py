from sym.sdk.annotations import hook, reducer
from sym.sdk.integrations import pagerduty, slack

def get_approvers(evt):
    # In this example, the manager schedule is fetched,
    # and every User currently on call is put in a group
    # to approve the request.
        on_call_mgrs = pagerduty.users_on_call(escalation_policy_name="mgr_on_call")
        return slack.group(on_call_mgrs)
# want:
# call: pagerduty.users_on_call(escalation_policy=mgr_on_call) -> yes [map[level:1 policy:mgr_on_call schedule:managers user:{T1/U0MARA PMARA}] map[level:2 policy:mgr_on_call schedule: user:{pagerduty/PGHOST PGHOST}]]
# stage: people=[T1/U0MARA] unlinked=[PGHOST]: on call for mgr_on_call, levels 1 and 2
