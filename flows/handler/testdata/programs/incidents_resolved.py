from sym.sdk.integrations import pagerduty

def get_approvers(evt):
    return pagerduty.has_incident(statuses=["resolved"])
# want:
# fault: prod.py:4:22: pagerduty.has_incident: statuses may be "triggered" and "acknowledged"; only open incidents are read
