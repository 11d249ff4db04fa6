"""The addresses of the pages. Steps of an import are its own addresses, so that Back and reload always work."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import RedirectView

from tagsync.web.views import (
    checking,
    columns,
    connections,
    exports,
    health,
    history,
    job,
    mappings,
    people,
    preferences,
    retry,
    rows,
    settling,
    styleguide,
    undo,
    upload,
)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="import_list"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("login/", preferences.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("preferences/", preferences.set_preferences, name="set_preferences"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    # a new import, step by step
    path("imports/new/", upload.upload, name="import_new"),
    path("imports/template.xlsx", upload.template, name="import_template"),
    path("imports/<int:pk>/columns/", columns.columns, name="import_columns"),
    path("imports/<int:pk>/sheet/", columns.sheet, name="import_sheet"),
    path("imports/<int:pk>/request/", columns.request_preview, name="import_request"),
    path("imports/<int:pk>/check/", checking.check, name="import_check"),
    path("imports/<int:pk>/check/live/", checking.check_live, name="import_check_live"),
    path("imports/<int:pk>/change/", checking.change, name="import_change"),
    path("imports/<int:pk>/start/", checking.start, name="import_start"),
    path("imports/<int:pk>/delete/", checking.delete, name="import_delete"),
    # an import under way or over
    path("imports/", history.history, name="import_list"),
    path("imports/find/", history.find, name="import_find"),
    path("imports/<int:pk>/", job.detail, name="import_detail"),
    path("imports/<int:pk>/live/", job.live, name="import_live"),
    path("imports/<int:pk>/rows/", rows.rows, name="import_rows"),
    path("imports/<int:pk>/calls/", job.calls, name="import_calls"),
    path("imports/<int:pk>/stop/", job.stop, name="import_stop"),
    path("imports/<int:pk>/resume/", job.resume, name="import_resume"),
    path("imports/<int:pk>/retry/", retry.retry, name="import_retry"),
    path("imports/<int:pk>/undo/", undo.undo, name="import_undo"),
    path("imports/<int:pk>/problems/<int:problem>/settle/", settling.settle, name="problem_settle"),
    path("imports/<int:pk>/problems/<int:problem>/reopen/", settling.reopen, name="problem_reopen"),
    path("imports/<int:pk>/export/", exports.ask, name="import_export"),
    path("exports/", exports.export_list, name="export_list"),
    path("exports/<int:pk>/", exports.detail, name="export_detail"),
    path("exports/<int:pk>/live/", exports.live, name="export_live"),
    path("exports/<int:pk>/file/", exports.download, name="export_file"),
    path("mappings/", mappings.mapping_list, name="mapping_list"),
    path("mappings/<int:pk>/forget/", mappings.forget, name="mapping_forget"),
    # for admins
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/new/", connections.add, name="connection_new"),
    path("connections/<int:pk>/", connections.edit, name="connection_edit"),
    path("connections/<int:pk>/test/", connections.test, name="connection_test"),
    path("connections/<int:pk>/unblock/", connections.unblock, name="connection_unblock"),
    path("connections/<int:pk>/archive/", connections.archive, name="connection_archive"),
    path("people/", people.person_list, name="person_list"),
    path("people/new/", people.add, name="person_new"),
    path("people/<int:pk>/", people.edit, name="person_edit"),
]
