def get_approvers(evt):
    return [0] * 100000000
