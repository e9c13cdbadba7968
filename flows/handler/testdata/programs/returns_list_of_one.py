from breakglass import slack

def get_approvers(evt):
    return [slack.user("U0SAM")]
# want:
# stage: people=[T1/U0SAM]: named by the flow's handler
