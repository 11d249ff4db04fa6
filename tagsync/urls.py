"""Every address of the site; the pages themselves are in `web`, but for one in `local`."""

from django.urls import include, path

urlpatterns = [path("", include("tagsync.local.urls")), path("", include("tagsync.web.urls"))]

handler400 = "tagsync.web.errors.bad_request"
handler403 = "tagsync.web.errors.forbidden"
handler404 = "tagsync.web.errors.not_found"
handler500 = "tagsync.web.errors.server_error"
