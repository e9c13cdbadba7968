from sym.sdk.integrations import slack

def get_approvers(evt):
    slack.send_message(slack.channel("#x"), "hi")
# want:
# fault: prod.py:4:11: slack.send_message: a reducer only reads; nothing was sent. The people asked, the requester and the flow's channel are told by themselves
