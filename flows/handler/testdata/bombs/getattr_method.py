def get_approvers(evt):
    return getattr(',', 'join')(['a' * 1000000] * 500)
