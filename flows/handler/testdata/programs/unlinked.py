from breakglass import pagerduty, slack

def get_approvers(evt):
    users = [u for u in pagerduty.users_on_call(escalation_policy_name="mgr_on_call") if u.id is None]
    print([u.pagerduty_id for u in users], slack.mention(users[0]), slack.mention(evt.user))
    return slack.group(users)
# want:
# print: ["PGHOST"] PGHOST <@U0DANA>
# call: pagerduty.users_on_call(escalation_policy=mgr_on_call) -> yes [map[level:1 policy:mgr_on_call schedule:managers user:{T1/U0MARA PMARA}] map[level:2 policy:mgr_on_call schedule: user:{pagerduty/PGHOST PGHOST}]]
# stage: people=[] unlinked=[PGHOST]: on call for mgr_on_call, level 2
