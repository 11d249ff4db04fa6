"""A person's own account on one page: language and theme, password, e-mail, and where she is signed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tagsync.accounts import throttle
from tagsync.accounts.models import Person
from tagsync.web.access import signed_in
from tagsync.web.account.forms import MailForm, OwnPasswordForm
from tagsync.web.account.open_sessions import end_session, open_sessions
from tagsync.web.account.sign_in import BROWSER_COOKIE, begin_attempt, held_up


class Account(PasswordChangeView):
    template_name = "account/account.html"
    form_class = OwnPasswordForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Whoever finds an open browser guesses as slowly here as at the sign-in."""
        if not request.POST.get("old_password"):
            return super().post(request, *args, **kwargs)
        name = signed_in(request).username
        attempt = begin_attempt(request, name)
        if attempt.held_until:
            return held_up(self, attempt.held_until)
        form = self.get_form()
        if "old_password" not in form.errors:
            throttle.succeeded(attempt, name, request.COOKIES.get(BROWSER_COOKIE, ""))
        return self.form_valid(form) if form.is_valid() else self.form_invalid(form)

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        person = signed_in(self.request)
        context = {
            "languages": settings.LANGUAGES,
            # A copy: what a refused form holds must not stand in the shell as if it were hers.
            "mail_form": MailForm(instance=Person.objects.get(pk=person.pk)) if settings.TAGSYNC_EMAIL else None,
            "sessions": open_sessions(person, self.request.session.session_key),
        }
        return super().get_context_data(**context | more)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        was_made_up = signed_in(self.request).must_change_password
        self.success_url = resolve_url(settings.LOGIN_REDIRECT_URL if was_made_up else "account")
        messages.success(self.request, _("Your password is changed. You are signed out everywhere else."))
        return super().form_valid(form)

    def form_invalid(self, form: PasswordChangeForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    if not settings.TAGSYNC_EMAIL:
        raise Http404
    person = signed_in(request)
    form = MailForm(request.POST, instance=Person.objects.get(pk=person.pk))
    if not form.is_valid():
        page = Account()
        page.setup(request)
        context = page.get_context_data(form=OwnPasswordForm(person), mail_form=form)
        return page.render_to_response(context, status=422)
    form.save()
    on = form.instance.mail_notices
    messages.success(request, _("Notices also come by e-mail.") if on else _("Notices no longer come by e-mail."))
    return redirect("account")


@require_POST
def end_one_session(request: HttpRequest) -> HttpResponse:
    """It may have ended by itself meanwhile: then it is as she wants it, too."""
    end_session(signed_in(request), request.POST.get("session", ""))
    messages.success(request, _("You are signed out of that browser."))
    return redirect(f"{reverse('account')}#sessions")


@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    person = signed_in(request)
    person.end_sessions()
    update_session_auth_hash(request, person)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("account")
