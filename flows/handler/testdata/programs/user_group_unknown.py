from breakglass import slack

def get_approvers(evt):
    return slack.group("@nobody")
# want:
# call: slack.members(group=@nobody) -> unknown <nil>SlackError: Slack could not say who is in @nobody: no such user group
# tainted
# fault: prod.py:4:18: SlackError: Slack could not say who is in @nobody: no such user group
