"""Pages as a browser without scripts reads them: links, and forms that can be filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit


@dataclass
class Form:
    """A form that is sent by POST."""

    action: str
    fields: list[dict[str, str]] = field(default_factory=list)

    def filled(self, text: str) -> dict[str, list[str]]:
        """Every field as somebody would fill it who writes `text` wherever text can be written."""
        sent: dict[str, list[str]] = {}
        for one in self.fields:
            name, kind = one.get("name", ""), one.get("type", "text")
            value = self._value(one, kind, text)
            taken = kind == "checkbox" or (kind == "radio" and name not in sent) or kind not in ("radio",)
            if name and value is not None and taken:
                sent.setdefault(name, []).append(value)
        return sent

    def _value(self, one: dict[str, str], kind: str, text: str) -> str | None:
        if kind in ("text", "search", "textarea", "tel"):
            return text[: int(one.get("maxlength", 100))]
        if kind == "checkbox":
            named = [other for other in self.fields if other.get("name") == one.get("name")]
            alone = named == [one]
            return one.get("value", "on") if "checked" in one or alone else None
        if kind in ("file", "submit", "button"):
            return None
        return one.get("value") or one.get("min") or ("1" if kind == "number" else "")


class _Reader(HTMLParser):
    """Collects what is asked for while it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.paths: list[str] = []
        self._form: Form | None = None
        self._select: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link, a form or a field."""
        found = {name: value or "" for name, value in attrs}
        if tag == "a" and found.get("href", "").startswith("/"):
            parts = urlsplit(found["href"])
            self.paths.append(parts.path + (f"?{parts.query}" if parts.query else ""))
        elif tag == "form":
            self._form = Form(action=found.get("action", ""))
            if found.get("method", "get").lower() == "post":
                self.forms.append(self._form)
        elif self._form is not None:
            self._field(tag, found)

    def _field(self, tag: str, found: dict[str, str]) -> None:
        assert self._form is not None
        if tag == "input":
            self._form.fields.append(found)
        elif tag == "textarea":
            self._form.fields.append(found | {"type": "textarea"})
        elif tag == "button" and found.get("name"):
            self._form.fields.append(found | {"type": "radio"})
        elif tag == "select":
            self._select = found | {"type": "select", "value": ""}
            self._form.fields.append(self._select)
        elif tag == "option" and self._select is not None:
            self._select["value"] = self._select["value"] or found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Close a form or a choice."""
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None


def forms_of(page: str) -> list[Form]:
    """The forms of a page that change something."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def paths_of(page: str) -> list[str]:
    """Where the links of a page lead, within the console."""
    reader = _Reader()
    reader.feed(page)
    return reader.paths
