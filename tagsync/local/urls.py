"""The address of the page of this room."""

from django.urls import path

from tagsync.local import pages

urlpatterns = [path("imports/sample.xlsx", pages.sample_workbook, name="import_sample")]
