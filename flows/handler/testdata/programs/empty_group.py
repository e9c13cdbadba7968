from breakglass import slack

def get_approvers(evt):
    return slack.group([u for u in [evt.user] if u != evt.user])
# want:
# no route
