from breakglass import pagerduty

def get_approvers(evt):
    # what somebody typed stands in the evidence as hers
    pagerduty.users_on_call(escalation_policy_name="team " + evt.fields["ticket"])
# want:
# call: pagerduty.users_on_call(escalation_policy={T1/U0DANA team CHG-77}) -> no []
# no route
