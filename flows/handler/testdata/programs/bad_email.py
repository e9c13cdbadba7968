from breakglass import slack

def get_approvers(evt):
    return slack.user("eve@evil.example")
# want:
# fault: prod.py:4:18: slack.user: not exactly one link has this e-mail address
