"""Giving an import another title."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tagsync.imports.titles import rename
from tagsync.web.access import import_or_404
from tagsync.web.record.whereabouts import address, overtaken
from tagsync.web.upload.forms import UploadForm


class TitleForm(forms.Form):
    title = UploadForm.base_fields["title"]


@require_http_methods(["GET", "POST"])
def title(request: HttpRequest, pk: int) -> HttpResponse:
    job = import_or_404(request, pk, steer=True)
    form = TitleForm(request.POST if request.method == "POST" else None, initial={"title": job.title})
    if not form.is_valid():
        context = {"job": job, "form": form, "back": address(job)}
        return render(request, "job/title.html", context, status=422 if form.is_bound else 200)
    if not rename(job, form.cleaned_data["title"]):
        return overtaken(request, job)
    messages.success(request, _("Renamed: %(name)s") % {"name": job.label})
    return redirect(address(job))
