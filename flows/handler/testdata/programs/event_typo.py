def get_approvers(evt):
    return getattr(evt, "usr")
# want:
# fault: prod.py:2:19: event has no "usr" (did you mean user?)
