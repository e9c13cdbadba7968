def get_approvers(evt):
    return sum([[0] * 10000] * 100000, [])
