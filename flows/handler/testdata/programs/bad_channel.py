from breakglass import slack

def get_approvers(evt):
    return slack.channel(evt.reason)
# want:
# fault: prod.py:4:18: slack.channel: give a channel's name ("#sre") or id ("C0123ABC")
