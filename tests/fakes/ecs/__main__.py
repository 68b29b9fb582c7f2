"""`PYTHONPATH=tests python -m fakes.ecs`: a fake AWS for radiant, until Ctrl-C, SIGTERM or the end of its input."""

import argparse
import json
import os
import signal
import sys
import threading

from fakes.ecs.server import make


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m fakes.ecs", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 finds a free one")
    parser.add_argument("--options", type=json.loads, default={}, help="JSON, see Application.do_options")
    parser.add_argument("--until-input-ends", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    application, server = make(arguments.host, arguments.port)
    application.do_options(**arguments.options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"endpoint": application.host.endpoint, "pid": os.getpid()}), flush=True)  # noqa: T201 - its parent process reads this line
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if arguments.until_input_ends:
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    ended.wait()
    application.host.longest_stop_s = 1.0
    application.tasks.clear(within_s=5.0)


if __name__ == "__main__":
    main()
