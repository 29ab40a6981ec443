"""A stateful rule of the network firewall raised an alert."""

# Suricata's priorities: 1 is the gravest. Source: Suricata user guide, "EVE JSON format", alert.
ALLOWED = {1: "HIGH", 2: "MEDIUM", 3: "LOW"}
BLOCKED = {1: "MEDIUM", 2: "LOW", 3: "INFO"}


def rule(event):
    return event.deep_get("event", "event_type") == "alert"


def signature(event):
    return event.deep_get("event", "alert", "signature", default="a rule")


def is_blocked(event):
    return event.deep_get("event", "alert", "action") == "blocked"


def title(event):
    inner = event.get("event")
    verb = "blocked" if is_blocked(event) else "saw"
    flow = f"{inner.get('src_ip', 'unknown')} to {inner.get('dest_ip', 'unknown')}"
    return f"Firewall {event.get('firewall_name')} {verb} {signature(event)}: {flow}"


def severity(event):
    levels = BLOCKED if is_blocked(event) else ALLOWED
    priority = event.deep_get("event", "alert", "severity")
    return levels.get(priority, "DEFAULT") if isinstance(priority, int) else "DEFAULT"


def dedup(event):
    parts = (
        event.get("firewall_name"),
        event.deep_get("event", "alert", "signature_id"),
        event.deep_get("event", "src_ip"),
    )
    return ":".join(map(str, parts))


def alert_context(event):
    names = ("dest_ip", "dest_port", "src_port", "proto", "app_proto", "tls", "http", "flow_id")
    return {
        "account": event.get("p_account_id"),
        "source_ip": event.deep_get("event", "src_ip"),
        "firewall": event.get("firewall_name"),
        "alert": event.deep_get("event", "alert"),
        **{name: event.deep_get("event", name) for name in names},
    }
