"""What web sets for itself."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from gunicorn.app.base import BaseApplication

from ec2mon.web import Web


def lock_timeout():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return cursor.fetchone()[0]
    finally:
        connection.close()


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_no_thread_of_web_waits_for_a_lock_for_ever(monkeypatch):
    monkeypatch.delitem(connection.settings_dict["OPTIONS"], "options")
    monkeypatch.setattr(BaseApplication, "run", lambda self: None)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Web(listener.fileno()).run()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lock_timeout).result() == "20s"
