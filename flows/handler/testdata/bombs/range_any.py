def get_approvers(evt):
    return any(range(0, 10**18, 1))
