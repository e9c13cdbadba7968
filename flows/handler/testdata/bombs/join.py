def get_approvers(evt):
    return ','.join(['a' * 1000000] * 500)
