def get_approvers(evt):
    t = ()
    for i in range(15000):
        t = (t,)
    return {t: 1}
