"""What a browser calls itself, as people would: "Chrome, Windows". Never more of it than that is kept."""

from __future__ import annotations

# The first that the text names: most browsers also claim to be those further down.
BROWSERS = (
    ("wxwork/", "WeCom"),
    ("MicroMessenger/", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("QQBrowser/", "QQ Browser"),
    ("360", "360"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """ "" when it names neither a browser nor a system that we know."""
    named = (next((name for mark, name in known if mark in user_agent), "") for known in (BROWSERS, SYSTEMS))
    return ", ".join(filter(None, named))
