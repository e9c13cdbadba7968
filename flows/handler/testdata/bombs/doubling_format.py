def get_approvers(evt):
    s = 'x'
    for i in range(40):
        s = '{0}{0}'.format(s)
