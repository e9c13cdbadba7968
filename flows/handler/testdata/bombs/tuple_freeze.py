def grow():
    t = (1, 2)
    for i in range(40):
        t = (t, t)
    return t

T = grow()

def get_approvers(evt):
    return None
