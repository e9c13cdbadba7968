def get_approvers(evt):
    s = '\\\\'
    for i in range(40):
        s = repr(s)
    return s
