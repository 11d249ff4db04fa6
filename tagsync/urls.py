"""Every address of the site; the pages themselves are in `web`."""

from django.urls import include, path

urlpatterns = [path("", include("tagsync.web.urls"))]
