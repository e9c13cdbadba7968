def get_approvers(evt):
    l = ['a']
    for i in range(30):
        l = [l, l]
    return str(l)
