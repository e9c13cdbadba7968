from breakglass import pagerduty, slack

def get_approvers(evt):
    print(pagerduty.is_on_call(evt.user, escalation_policy_name="prod"))
    print(pagerduty.is_on_call(evt.user, escalation_policy_id="PMGR"))
    print(pagerduty.is_on_call(evt.user, schedule="SPROD", max_level=1))
    print(pagerduty.on_call(evt.user), len(pagerduty.on_call(schedule_name="managers")))
    return slack.group(pagerduty.users_on_call(escalation_policy_name=evt.vars["policy"], max_level=1))
# want:
# print: True
# print: False
# print: True
# print: True 1
# call: pagerduty.is_on_call(user={T1/U0DANA PDANA}, escalation_policy=prod) -> yes true
# call: pagerduty.is_on_call(user={T1/U0DANA PDANA}, escalation_policy=PMGR) -> no false
# call: pagerduty.is_on_call(user={T1/U0DANA PDANA}, schedule=SPROD, max_level=1) -> yes true
# call: pagerduty.is_on_call(user={T1/U0DANA PDANA}) -> yes true
# call: pagerduty.users_on_call(schedule=managers) -> yes [map[level:1 policy:mgr_on_call schedule:managers user:{T1/U0MARA PMARA}]]
# call: pagerduty.users_on_call(escalation_policy=mgr_on_call, max_level=1) -> yes [map[level:1 policy:mgr_on_call schedule:managers user:{T1/U0MARA PMARA}]]
# stage: people=[T1/U0MARA]: on call for mgr_on_call, level 1
