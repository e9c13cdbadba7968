def get_approvers(evt):
    x = 1
    for i in range(10000):
        x = x << 500
