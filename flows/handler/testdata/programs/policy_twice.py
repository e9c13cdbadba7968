from breakglass import pagerduty

def get_approvers(evt):
    return pagerduty.users_on_call(schedule_id="S", schedule_name="s")
# want:
# fault: prod.py:4:22: pagerduty.users_on_call: give schedule_name or schedule_id, not both
