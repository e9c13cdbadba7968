def get_approvers(evt):
    j = ','.join
    return j(['a' * 1000000] * 500)
