X = ','.join(['a' * 1000000] * 500)

def get_approvers(evt):
    return None
