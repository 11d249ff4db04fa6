"""The addresses of the pages. Steps of an import are its own addresses, so that Back and reload always work."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import RedirectView

from tagsync.web.account import sign_in
from tagsync.web.account import views as account
from tagsync.web.check import repair_views
from tagsync.web.check import views as check
from tagsync.web.columns import save_views
from tagsync.web.columns import views as columns
from tagsync.web.connections import views as connections
from tagsync.web.customers import views as customers
from tagsync.web.exports import views as exports
from tagsync.web.help import views as help
from tagsync.web.history import bulk_views
from tagsync.web.history import views as history
from tagsync.web.job import dismissal_views, restart_views, title_views
from tagsync.web.job import views as job
from tagsync.web.mappings import views as mappings
from tagsync.web.notices import views as notices
from tagsync.web.operations import views as operations
from tagsync.web.people import preference_views
from tagsync.web.people import views as people
from tagsync.web.restore import views as restore
from tagsync.web.retry import views as retry
from tagsync.web.rows import views as rows
from tagsync.web.styleguide import views as styleguide
from tagsync.web.undo import views as undo
from tagsync.web.upload import views as upload

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="import_list"), name="home"),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.show_metrics, name="metrics"),
    path("operation/", operations.overview, name="operation"),
    path("login/", sign_in.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", account.Account.as_view(), name="account"),
    path("account/mail/", account.mail, name="account_mail"),
    path("account/sessions/end/", account.end_one_session, name="session_end"),
    path("account/sign-out-elsewhere/", account.sign_out_elsewhere, name="sign_out_elsewhere"),
    path("preferences/", preference_views.set_preferences, name="set_preferences"),
    path("first-steps/hide/", preference_views.hide_first_steps, name="hide_first_steps"),
    path("help/", help.glossary, name="help"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    # a new import, step by step
    path("imports/new/", upload.upload, name="import_new"),
    path("imports/template.xlsx", upload.template, name="import_template"),
    path("imports/<int:pk>/columns/", columns.columns, name="import_columns"),
    path("imports/<int:pk>/sheet/", columns.sheet, name="import_sheet"),
    path("imports/<int:pk>/save/", save_views.save, name="import_save"),
    path("imports/<int:pk>/check/", check.check, name="import_check"),
    path("imports/<int:pk>/check/live/", check.check_live, name="import_check_live"),
    path("imports/<int:pk>/repairs/", repair_views.make, name="import_repair"),
    path("imports/<int:pk>/repairs/rest/", repair_views.send_the_rest, name="import_send_rest"),
    path("imports/<int:pk>/repairs/<int:repair>/undo/", repair_views.undo, name="repair_undo"),
    path("imports/<int:pk>/change/", check.change, name="import_change"),
    path("imports/<int:pk>/start/", check.start, name="import_start"),
    path("imports/<int:pk>/delete/", check.delete, name="import_delete"),
    # an import under way or over
    path("imports/", history.history, name="import_list"),
    path("imports/find/", history.find, name="import_find"),
    path("imports/selected/", bulk_views.selected, name="import_selected"),
    path("imports/selected/retry/", bulk_views.retry, name="import_selected_retry"),
    path("imports/selected/delete/", bulk_views.delete, name="import_selected_delete"),
    path("imports/<int:pk>/", job.detail, name="import_detail"),
    path("imports/<int:pk>/title/", title_views.title, name="import_title"),
    path("imports/<int:pk>/live/", job.live, name="import_live"),
    path("imports/<int:pk>/rows/", rows.rows, name="import_rows"),
    path("imports/<int:pk>/rows/search/", rows.search, name="import_row_search"),
    path("imports/<int:pk>/rows/customer/", customers.of_row, name="import_row_customer"),
    path("imports/<int:pk>/calls/", job.calls, name="import_calls"),
    path("imports/<int:pk>/stop/", job.stop, name="import_stop"),
    path("imports/<int:pk>/resume/", job.resume, name="import_resume"),
    path("imports/<int:pk>/restart/", restart_views.restart, name="import_restart"),
    path("imports/<int:pk>/retry/", retry.retry, name="import_retry"),
    path("imports/<int:pk>/undo/", undo.undo, name="import_undo"),
    path("imports/<int:pk>/problems/<int:problem>/settle/", dismissal_views.settle, name="problem_settle"),
    path("imports/<int:pk>/problems/<int:problem>/reopen/", dismissal_views.reopen, name="problem_reopen"),
    path("imports/<int:pk>/export/", exports.ask, name="import_export"),
    path("exports/", exports.export_list, name="export_list"),
    path("exports/<int:pk>/", exports.detail, name="export_detail"),
    path("exports/<int:pk>/cancel/", exports.cancel, name="export_cancel"),
    path("exports/<int:pk>/live/", exports.live, name="export_live"),
    path("exports/<int:pk>/file/", exports.download, name="export_file"),
    path("customers/", customers.search, name="customer_search"),
    path("mappings/", mappings.mapping_list, name="mapping_list"),
    path("mappings/<int:pk>/forget/", mappings.forget, name="mapping_forget"),
    path("notices/", notices.notice_list, name="notice_list"),
    path("notices/new/", notices.badge, name="notice_badge"),
    path("notices/read/", notices.read_all, name="notice_read_all"),
    path("notices/<int:pk>/", notices.open_notice, name="notice_open"),
    # for admins
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/new/", connections.add, name="connection_new"),
    path("connections/<int:pk>/", connections.edit, name="connection_edit"),
    path("connections/<int:pk>/test/", connections.test, name="connection_test"),
    path("connections/<int:pk>/unblock/", connections.unblock, name="connection_unblock"),
    path("connections/<int:pk>/forget-limit/", connections.forget_limit, name="connection_forget_limit"),
    path("connections/<int:pk>/archive/", connections.archive, name="connection_archive"),
    path("restore/", restore.restore, name="restore"),
    path("people/", people.person_list, name="person_list"),
    path("people/new/", people.add, name="person_new"),
    path("people/<int:pk>/", people.edit, name="person_edit"),
]
