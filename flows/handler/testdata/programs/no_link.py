# scene: who=ghost
from breakglass import pagerduty, slack

def get_approvers(evt):
    # nobody at PagerDuty is this person, so the answer is known: no
    print(pagerduty.is_on_call(evt.user), evt.user.pagerduty_id)
    return slack.group(["U0MARA"])
# want:
# print: False None
# call: pagerduty.is_on_call(user={T1/U0GHOST }) -> no false
# stage: people=[T1/U0MARA]: named by the flow's handler
