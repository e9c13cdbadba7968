def get_approvers(evt):
    s = 'a' * 1000000
    t = (s, s, s, s, s, s, s, s, s, s)
    u = (t, t, t, t, t, t, t, t, t, t)
    return {}[(u, u, u, u)]
