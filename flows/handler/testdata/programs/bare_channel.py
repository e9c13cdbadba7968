from breakglass import slack

def get_approvers(evt):
    return slack.channel("sre", approvers=[evt.user, "U0SAM"])
# want:
# stage: people=[T1/U0DANA T1/U0SAM] channel=#sre: named by the flow's handler
