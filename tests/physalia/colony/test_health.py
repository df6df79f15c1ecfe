"""What servers say of themselves is asked of them, and of nobody else; who says half of it says nothing."""

import socket
import threading
from pathlib import Path

import pytest

from physalia.colony import lay_out
from physalia.colony.health import page

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        pytest.param(HEAD + b'{"well": 77}', {"well": 77}, id="all"),
        pytest.param(HEAD + b'{"well":', None, id="half of it"),
        pytest.param(b"is this HTTP?\r\n\r\n", None, id="something else"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_a_page_is_what_the_server_itself_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes, seen: object
) -> None:
    """With a proxy for the world outside in the environment, a colony that was well was waited for, and given up."""
    colony = lay_out(tmp_path / "colony", servers=1, cells=0)
    watch = colony.settings[1].watch
    assert watch is not None
    with socket.create_server(watch) as listener, socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)

        def answer() -> None:
            visitor, _ = listener.accept()
            with visitor:
                visitor.recv(1 << 12)
                visitor.sendall(said)

        answers = threading.Thread(target=answer, daemon=True)
        answers.start()
        assert page(colony, 1, "/health") == seen
        answers.join()
