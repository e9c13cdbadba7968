from breakglass import slack

def get_approvers(evt):
    return slack.user(evt.user, timeout="soon")
# want:
# fault: prod.py:4:18: slack.user: timeout is a number of seconds above 0, or text like "30m"
