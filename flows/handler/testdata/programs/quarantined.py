# scene: who=nils
from breakglass import pagerduty, slack

def get_approvers(evt):
    return slack.user(evt.user) if pagerduty.is_on_call(evt.user) else slack.group(["U0MARA"])
# want:
# call: pagerduty.is_on_call(user={T1/U0NILS }) -> unknown <nil>PagerDutyError: it is not known who this person is at PagerDuty: the link is set aside until an admin confirms it
# tainted
# fault: prod.py:5:46: PagerDutyError: it is not known who this person is at PagerDuty: the link is set aside until an admin confirms it
