def pair(*args):
    return args

def get_approvers(evt):
    t = (1, 2)
    for i in range(40):
        t = pair(t, t)
    return {t: 1}
