from breakglass import pagerduty
managers = pagerduty.users_on_call()

def get_approvers(evt):
    return None
# want:
# fault: prod.py:2:22: pagerduty.users_on_call is asked within get_approvers, not while the file is loaded
