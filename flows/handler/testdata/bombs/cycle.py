def get_approvers(evt):
    l = []
    l.append(l)
    return str(l)
