def get_approvers(evt):
    return 1000000000 * 'a'
