from django.shortcuts import render


def page(request, path):
    return render(request, "base.html")
