def get_approvers(evt):
    l = [0] * 100000
    while True:
        l.insert(0, 1)
