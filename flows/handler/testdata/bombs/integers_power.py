def get_approvers(evt):
    return 10 ** 100000000
