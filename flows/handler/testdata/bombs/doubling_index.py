def get_approvers(evt):
    d = {'k': 'x'}
    for i in range(40):
        d['k'] += d['k']
