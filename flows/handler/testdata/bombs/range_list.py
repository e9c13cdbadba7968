def get_approvers(evt):
    return list(range(50000000))
