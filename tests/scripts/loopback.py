"""A server of a test's own."""

import http.server
import threading


class Server(http.server.ThreadingHTTPServer):
    """Answers on a free port of loopback until it is stopped."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        # How long it sleeps is how long it takes to stop.
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self):
        self.shutdown()
        self.server_close()
