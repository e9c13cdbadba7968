def get_approvers(evt):
    x = 3
    for i in range(40):
        x = x * x
