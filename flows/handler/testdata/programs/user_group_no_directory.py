# scene: no directory
from breakglass import slack

def get_approvers(evt):
    print(evt.user.name)
    return slack.group(["S0123456"])
# want:
# print: dana
# call: slack.members(group=S0123456) -> unknown <nil>no Slack directory is configured here
# tainted
# fault: prod.py:6:18: no Slack directory is configured here
