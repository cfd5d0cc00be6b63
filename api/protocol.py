"""What is answered to bytes that are not HTTP."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.native.errors import render
from api.problems import Kind, Problem


class StrictProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but for its answer to what it cannot read: that has no path, so it gets ours."""

    def send_400_response(self, msg: str) -> None:
        response = render(Problem(Kind.MALFORMED, msg))
        headers = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
        body = bytes(response.body)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n%b\r\n%b" % (headers, body))
        self.transport.close()
