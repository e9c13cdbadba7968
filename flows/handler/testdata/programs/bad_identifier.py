from breakglass import slack

def get_approvers(evt):
    return slack.user("Dana")
# want:
# fault: prod.py:4:18: slack.user: "Dana" names nobody; give a user, a Slack id (U0…) or an e-mail address
