"""The living style guide: every component with invented data, for those who build pages. Reads nothing."""

from __future__ import annotations

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tagsync.web.access import signed_in
from tagsync.web.ui.charts import Column
from tagsync.web.ui.statuses import JOB_LOOKS, ROW_LOOKS

COUNTS = {"accepted": 19874, "duplicate": 3120, "left_out": 402, "to_fix": 260, "rejected": 1284, "in_doubt": 57}
TOTAL = 48_210
ROWS = [
    (18230, "138****2071", ("双11高意向", "华东"), "accepted", ""),
    (18231, "186****4410", ("会员·金卡",), "rejected", _("The platform does not know this customer.")),
    (18232, "159****0932", ("复购", "母婴"), "duplicate", _("The same as row 18,203.")),
    (18233, "oYfe…Xk", ("VIP",), "in_doubt", _("Sent, but no readable answer came.")),
    (18234, "137****8816", ("新客",), "waiting", ""),
]
COLUMNS = [
    (0, "手机号", "138****2071 186****4410 159****0932", "ok", "circle-check", _("Matched by header"), ""),
    (1, "标签", "双11高意向,华东 会员·金卡 复购,母婴", "info", "sparkles", _("Saved on 3 May"), ""),
    (2, "openid备用", "oYfe…Xk oYfe…9c", "warn", "triangle-alert", _("Only similar: please confirm"), "is-warn"),
    (3, "渠道来源ID", "10082 10082 20417", "bad", "circle-alert", _("Choose a field"), "is-bad"),
    (4, "内部审核", "Y Y N", "", "eye-off", _("Will not be sent"), "is-off"),
]
BODY = """{
  "needMatch": 1,
  "operateType": 1,
  "list": [
    {"phone": "13800002071", "tags": "双11高意向,华东"}
  ]
}"""

BANNER = {
    "tone": "warning",
    "title": _("Test platform: nothing reaches 兔展."),
    "text": "",
    "action_url": "#main",
    "action_label": _("Details"),
}


class SampleForm(forms.Form):
    title = forms.CharField(label=_("Name"), help_text=_("Shown in the list of imports."), required=False)
    rows = forms.IntegerField(label=_("Rows per call"), max_value=500)
    way = forms.ChoiceField(label=_("Sheet"), choices=[("1", "Sheet1"), ("2", "会员")])
    keep = forms.BooleanField(label=_("Save this column matching"), required=False)


def styleguide(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    if not (person.is_staff or person.has_perm("accounts.manage_people")):
        raise Http404
    waiting = TOTAL - sum(COUNTS.values())
    context = {
        "counts": {**COUNTS, "waiting": waiting},
        "finished": {"accepted": 39402, "duplicate": 6110, "rejected": 1, "superseded": 2697},
        "total": TOTAL,
        "chart_columns": [Column(n * n * 7 % 900, n * 31 % 60 if n % 3 else 0, str(n)) for n in range(30)],
        "tile_urls": {"rejected": "#rows", "in_doubt": "#rows"},
        "step_urls": ["#main"],
        "job_statuses": list(JOB_LOOKS),
        "row_statuses": list(ROW_LOOKS),
        "rows": ROWS,
        "columns": COLUMNS,
        "body": BODY,
        "form": SampleForm({"title": "双11会员", "rows": "5000", "way": "1"}),
        "page": Paginator(range(1284), 50).page(2),
        "cell_tones": ["ok", "info", "warn", "bad"],
        "tones": ["info", "success", "warning", "danger"],
        "banners": [BANNER],
    }
    return render(request, "styleguide/styleguide.html", context)
