"""The addresses of the pages."""

from django.urls import path

from tagsync.web.views.health import healthz

urlpatterns = [path("healthz", healthz, name="healthz")]
