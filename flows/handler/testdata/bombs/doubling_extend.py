def get_approvers(evt):
    l = [1]
    for i in range(40):
        l.extend(l)
