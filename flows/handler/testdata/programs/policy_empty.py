from breakglass import pagerduty

def get_approvers(evt):
    return pagerduty.users_on_call(schedule_id="")
# want:
# fault: prod.py:4:22: pagerduty.users_on_call: schedule_id is empty; leave it out to ask about any
