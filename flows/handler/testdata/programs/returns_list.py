from breakglass import slack

def get_approvers(evt):
    return [slack.user("U0SAM"), slack.user("U0MARA")]
# want:
# fault: prod.py:3:1: get_approvers returned a list: write slack.fallback(a, b) to ask one after the other, or slack.group([…]) to ask people together
