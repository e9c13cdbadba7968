def get_approvers(evt):
    l = list(range(50000))
    while True:
        sorted(l, key=lambda x: -x)
