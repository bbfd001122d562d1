"""A browser in words, out of what it says of itself: enough to tell one's own machines apart, and no more is kept."""

from __future__ import annotations

from django.utils.translation import gettext as _

# The first that fits: most browsers also call themselves by the names of older ones.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_of(agent: str) -> list[str]:
    """Browser and system, each "" where nothing is known: ["Firefox", "Windows"]."""
    return [next((name for sign, name in signs if sign in agent), "") for signs in (BROWSERS, SYSTEMS)]


def device_words(device: object) -> str:
    browser, system = device if isinstance(device, list) and len(device) == 2 else ("", "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("A browser that does not say what it is")
