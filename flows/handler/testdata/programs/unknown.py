# scene: down
from breakglass import pagerduty, slack

def get_approvers(evt):
    if pagerduty.is_on_call(evt.user):
        return slack.user(evt.user)
    return slack.group(["U0MARA"])
# want:
# call: pagerduty.is_on_call(user={T1/U0DANA PDANA}) -> unknown <nil>PagerDutyError: PagerDuty could not say who is on call for any escalation policy: time-out after 2s
# tainted
# fault: prod.py:5:18: PagerDutyError: PagerDuty could not say who is on call for any escalation policy: time-out after 2s
