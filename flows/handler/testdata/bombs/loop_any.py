def get_approvers(evt):
    l = [0] * 100000
    while True:
        any(l)
