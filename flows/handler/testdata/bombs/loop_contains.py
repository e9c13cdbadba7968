def get_approvers(evt):
    s = 'ab' * 1000000
    while True:
        'ba' * 1000 + 'c' in s
