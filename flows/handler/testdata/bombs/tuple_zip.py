def get_approvers(evt):
    t = (1, 2)
    for i in range(40):
        t = zip([t], [t])[0]
    return t
