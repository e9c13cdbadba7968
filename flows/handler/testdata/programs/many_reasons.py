from breakglass import pagerduty, slack

def get_approvers(evt):
    pagerduty.is_on_call(evt.user)
    return slack.group([evt.user, "@sre-managers", "U0NILS"] + pagerduty.users_on_call(escalation_policy_name="mgr_on_call"), allow_self=False)
# want:
# call: pagerduty.is_on_call(user={T1/U0DANA PDANA}) -> yes true
# call: pagerduty.users_on_call(escalation_policy=mgr_on_call) -> yes [map[level:1 policy:mgr_on_call schedule:managers user:{T1/U0MARA PMARA}] map[level:2 policy:mgr_on_call schedule: user:{pagerduty/PGHOST PGHOST}]]
# call: slack.members(group=@sre-managers) -> yes [{T1/U0MARA T1/U0MARA} {T1/U0SAM T1/U0SAM}]
# stage: people=[T1/U0DANA T1/U0MARA T1/U0SAM T1/U0NILS] unlinked=[PGHOST] allow_self=false: on call for prod, level 1; member of @sre-managers; named by the flow's handler; on call for mgr_on_call, level 2
