from breakglass import pagerduty

def get_approvers(evt):
    for i in range(100000):
        pagerduty.users_on_call(escalation_policy_name="p" + str(i))
