from sym.sdk.integrations import pagerduty, slack

def get_approvers(evt):
    print(pagerduty.has_incident(assignees=[evt.user]), pagerduty.has_incident(service_ids=["PDISK"]))
    for i in pagerduty.get_incidents(urgencies=["low", "high"], statuses=["triggered"]):
        i["seen"] = True
        print(i)
# want:
# print: True False
# print: {"id": "Q2", "incident_number": 4712, "title": "disk", "status": "triggered", "urgency": "low", "html_url": "", "seen": True}
# call: pagerduty.get_incidents(assignees=[{T1/U0DANA PDANA}], statuses=[triggered acknowledged], urgencies=[high]) -> yes [Q1]
# call: pagerduty.get_incidents(service_ids=[PDISK], statuses=[triggered acknowledged], urgencies=[high]) -> no []
# call: pagerduty.get_incidents(statuses=[triggered], urgencies=[low high]) -> yes [Q2]
# no route
