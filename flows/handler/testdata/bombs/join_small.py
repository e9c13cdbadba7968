def get_approvers(evt):
    s = 'a' * 100000
    return ','.join([s for i in range(5000)])
