from breakglass import pagerduty, slack

def get_approvers(evt):
    # a variable with a typo must not widen the question to any policy
    if pagerduty.is_on_call(evt.user, escalation_policy_name=evt.flow.vars.get("polcy")):
        return slack.user(evt.user)
# want:
# fault: prod.py:5:18: pagerduty.is_on_call: escalation_policy_name is None; leave it out to ask about any
