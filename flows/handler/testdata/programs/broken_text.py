from breakglass import pagerduty

def get_approvers(evt):
    # a slice cuts through a character; the evidence stays UTF-8
    pagerduty.users_on_call(schedule_name="é"[0:1])
    fail("é"[0:1])
# want:
# call: pagerduty.users_on_call(schedule=�) -> no []
# fault: prod.py:6:9: �
