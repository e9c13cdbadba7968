from breakglass import slack

def get_approvers(evt):
    return slack.group([evt.user], quorum=0)
# want:
# fault: prod.py:4:18: slack.group: quorum must be a whole number from 1
