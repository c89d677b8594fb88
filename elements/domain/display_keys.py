"""The Scheduled Events Display Key Format: how a scheduled event is named."""

DEFAULT_DISPLAY_KEY_FORMAT = "id/event"

DISPLAY_KEY_FORMATS = [
    ("id/event", "Instance ID/Events ID"),
    ("name/event", "Instance Name/Events ID"),
    ("name/code/event", "Instance Name/Event Code/Events ID"),
    ("event", "Events ID"),
]


def display_key_values(
    key_format: str, *, instance_id: str, instance_name: str, code: str, event_id: str
) -> tuple[str, ...]:
    """Return the values that make up a scheduled event's display key, in order; an unknown format gives the default.

    They are kept apart so that a page can isolate each: a right-to-left name must not reorder its neighbours.
    """
    name = instance_name or instance_id
    match key_format:
        case "name/event":
            return (name, event_id)
        case "name/code/event":
            return (name, code, event_id)
        case "event":
            return (event_id,)
        case _:
            return (instance_id, event_id)
