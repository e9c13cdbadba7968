from breakglass import pagerduty, slack

def get_approvers(evt):
    return slack.fallback(
        slack.group([]),
        slack.group(["<@U0SAM>", "U0SAM", evt.fields["lead"], "sam@acme.example"], timeout=300, quorum=2),
        slack.fallback(slack.channel("#sre", approvers=["@sre-managers"], timeout="1h"), slack.channel("C0123ABC")),
        continue_on_timeout=True,
    )
# want:
# call: slack.members(group=@sre-managers) -> yes [{T1/U0MARA T1/U0MARA} {T1/U0SAM T1/U0SAM}]
# stage: people=[T1/U0SAM T1/U0MARA] quorum=2 timeout=5m0s: named by the flow's handler
# stage: people=[T1/U0MARA T1/U0SAM] channel=#sre timeout=1h0m0s: member of @sre-managers
# stage: people=[] channel=C0123ABC: the flow's handler asks in C0123ABC
