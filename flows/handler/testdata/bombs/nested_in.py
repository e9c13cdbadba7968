def get_approvers(evt):
    a = [[[[0] * 1000] * 1000] * 1000]
    b = [[[0] * 1000] * 1000] * 1000
    return b in a
