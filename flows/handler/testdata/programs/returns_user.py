def get_approvers(evt):
    return evt.user
# want:
# fault: prod.py:1:1: get_approvers returned a user: write slack.user(…)
