from breakglass import slack

def get_approvers(evt):
    print(evt.user, evt.user.id, evt.user.name, evt.user.email, evt.beneficiary == evt.user)
    print(evt.target, evt.duration, evt.reason, evt.id, evt.name, repr(evt.scope))
    print(evt.incident.id, evt.incident.number, evt.incident.title, evt.incident.url)
    print(evt.flow.name, evt.flow.environment.name, evt.flow.vars)
    print(evt.payload.fields == evt.fields, evt.payload.user == evt.user, evt.payload.timestamp)
    for name in ["ticket", "count", "urgent", "wait", "lead", "team", "left", "reason", "duration", "target_id"]:
        print(name, repr(evt.fields[name]))
# want:
# print: U0DANA U0DANA Dana dana@acme.example True
# print: console 3600 the database is slow req_1 request ""
# print: Q1 4711 db is slow https://acme.pagerduty.com/incidents/Q1
# print: prod  {"hours": 4, "people": ["U0SAM", "U0MARA"], "policy": "mgr_on_call", "strict": True}
# print: True True 1772334000
# print: ticket "CHG-77"
# print: count 3
# print: urgent True
# print: wait 1800
# print: lead U0MARA
# print: team [U0SAM, U0MARA]
# print: left None
# print: reason "the database is slow"
# print: duration 3600
# print: target_id "console"
# call: slack.profile(user={T1/U0DANA T1/U0DANA}, what=name) -> yes {T1/U0DANA Dana}
# no route
