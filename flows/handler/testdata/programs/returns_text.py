def get_approvers(evt):
    return "U0DANA"
# want:
# fault: prod.py:1:1: get_approvers returned string: return slack.user(…), slack.group(…), slack.channel(…), slack.fallback(…) or None
