"""Ask the incident's responders first, then the managers, then a channel."""

from breakglass import pagerduty, reducer, slack


def on_call(policy: str, level: int = 3) -> list:
    return pagerduty.users_on_call(escalation_policy_name=policy, max_level=level)


@reducer
def get_approvers(evt):
    policy = evt.flow.vars["manager_policy"]
    others = [u for u in on_call("prod", level=1) if u != evt.user]
    if evt.duration > 4 * 3600:
        print(f"{evt.user} asks for {evt.duration // 3600} hours of {evt.target}")
        return slack.group(on_call(policy), quorum=2)
    return slack.fallback(
        slack.group(others, timeout="5m"),
        slack.group(on_call(policy), timeout="15m"),
        slack.channel("#sre-managers", approvers=["@sre-managers"]),
    )
