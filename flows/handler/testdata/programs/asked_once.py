from breakglass import pagerduty, slack

def get_approvers(evt):
    for i in range(3):
        pagerduty.is_on_call(evt.user)
        pagerduty.is_on_call("U0DANA")
        pagerduty.users_on_call()
    a, b = pagerduty.users_on_call(), pagerduty.users_on_call()
    a.append("x")
    print(len(a), len(b))
# want:
# print: 4 3
# call: pagerduty.is_on_call(user={T1/U0DANA PDANA}) -> yes true
# call: pagerduty.users_on_call() -> yes [map[level:1 policy:prod schedule:prod primary user:{T1/U0DANA PDANA}] map[level:1 policy:mgr_on_call schedule:managers user:{T1/U0MARA PMARA}] map[level:2 policy:mgr_on_call schedule: user:{pagerduty/PGHOST PGHOST}]]
# no route
