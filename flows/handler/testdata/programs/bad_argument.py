from breakglass import slack

def ask(**options):
    return slack.user("U0SAM", **options)

def get_approvers(evt):
    return ask(alow_self=True)
# want:
# fault: prod.py:4:18: slack.user has no argument "alow_self" (did you mean allow_self?)
