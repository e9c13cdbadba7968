# scene: for=sam, no incident
def get_approvers(request):
    print(request.user != request.beneficiary, request.beneficiary.email, request.incident is None)
# want:
# print: True sam@acme.example True
# no route
