# scene: calls=2
from breakglass import pagerduty

def get_approvers(evt):
    for name in ["a", "b", "c"]:
        pagerduty.users_on_call(schedule_name=name)
# want:
# call: pagerduty.users_on_call(schedule=a) -> no []
# call: pagerduty.users_on_call(schedule=b) -> no []
# tainted
# fault: prod.py:6:19: more than 2 different questions in one evaluation
