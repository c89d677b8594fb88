"""What the pages of a listing hold together."""


def listed(pages):
    """Return everything that was parsed, the last page that begins a listing and all after it."""
    found = []
    for page in pages:
        found = [*([] if page.first else found), *page.seen]
    return found
