def get_approvers(evt):
    t = (1, 2)
    for i in range(40):
        t = {t: t}.items()[0]
    return t
