def get_approvers(evt):
    t = (1,)
    for i in range(40):
        t = t + t
