# scene: who=ghost
def get_approvers(evt):
    return evt.user.name
# want:
# call: slack.profile(user={T1/U0GHOST T1/U0GHOST}, what=name) -> unknown <nil>SlackError: Slack could not say who this person is: user_not_found
# tainted
# fault: prod.py:3:20: SlackError: Slack could not say who this person is: user_not_found
