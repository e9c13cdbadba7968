def grow():
    l = []
    for i in range(15000):
        l = [l]
    return l

L = grow()

def get_approvers(evt):
    return L == grow()
