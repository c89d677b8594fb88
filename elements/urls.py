"""One line per page, one per action."""

from django.urls import URLPattern

app_name = "elements"

urlpatterns: list[URLPattern] = []
