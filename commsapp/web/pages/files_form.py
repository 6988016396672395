"""The form on which files are dropped. Where it comes back with mistakes, the files stay and need not be chosen again."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask import request as http
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms.validators import ValidationError

from commsapp.http import request
from commsapp.web import entered, fields, uploads
from commsapp.web.entered import entered_in
from commsapp.web.uploads import MOST_FILES, Batch, Upload


def _not_too_many(form: Any, field: Any) -> None:
    if len(form.waiting) + len(field.data) > MOST_FILES:
        raise ValidationError(f"Select {MOST_FILES} files or fewer at once")


class FilesForm(fields.Form):
    """CSV, TSV, XLSX or JSON Lines, several at once, beside those that ``waiting`` names."""

    files = fields.FilesField(
        "Drop spreadsheets of what people said",
        missing="Select a file",
        hint="CSV, TSV, XLSX or JSON Lines, several at once. You see what was found in them before anything is stored.",
        checks=(_not_too_many,),
    )
    waiting: tuple[Upload, ...] = ()

    def validate(self, extra_validators: Any = None) -> bool:
        """New files are needed only where none wait."""
        if self.waiting and not self.files.data:
            self.files.validators = []
        return bool(super().validate(extra_validators))

    def all_files(self) -> tuple[Upload, ...]:
        """Those that wait and those that came now, which are kept; the same one once."""
        request.session().rollback()  # nobody else should wait for the database while files are copied
        new = () if self.files.errors else uploads.receive(self.files.data, request.settings())
        known = {upload.sha256 for upload in self.waiting}
        return (*self.waiting, *(upload for upload in new if upload.sha256 not in known))


def filled(kind: type[FilesForm], token: str) -> Any:
    """The form, with what waits and what was entered under the token of an earlier try."""
    before = entered.kept(token, request.settings()) if token and http.method == "GET" else None
    form = kind() if before is None else kind(formdata=MultiDict(before.values))
    if token:
        form.waiting = uploads.unseal(token, request.actor(), request.settings()).uploads
    if before is not None:
        before.put_into(form)
    return form


def come_back(form: Any, endpoint: str, **values: Any) -> Response | None:
    """Keep what was sent and lead to the page that shows it with its mistakes; None where the disk doesn't take it."""
    token = uploads.seal(Batch(form.all_files()), request.actor(), request.settings())
    if not entered.keep(token, entered_in(form, http.form), request.settings()):
        return None
    return redirect(url_for(endpoint, **values, files=token), 303)
