def get_approvers(evt):
    s = 'x'
    for i in range(40):
        s += s
