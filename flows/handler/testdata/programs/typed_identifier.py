from breakglass import slack

def get_approvers(evt):
    return slack.user(evt.reason)
# want:
# fault: prod.py:4:18: slack.user: "what was typed" names nobody; give a user, a Slack id (U0…) or an e-mail address
