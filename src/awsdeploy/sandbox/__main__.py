"""`python -m awsdeploy.sandbox`: run the simulated AWS in this process until it is stopped or idle."""

from __future__ import annotations

import argparse
import json
import logging
import os
import threading
import warnings
from pathlib import Path

from awsdeploy.state.files import own_folder, unlinked, write


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m awsdeploy.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--speed", type=float, default=60, help="AWS seconds that pass in one real second")
    parser.add_argument("--home", type=Path, required=True, help="folder of server.json and server.log")
    parser.add_argument("--idle", type=float, default=3600, help="real seconds without a request before it ends")
    options = parser.parse_args()
    own_folder(options.home).chmod(0o700)
    log = open(options.home / "server.log", "a", encoding="utf-8", opener=unlinked)  # noqa: SIM115 - until it ends
    logging.basicConfig(stream=log, level=logging.WARNING)
    # moto's own catalogue of 500 images takes a second to load; `images.py` registers the few that count.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    os.environ["MOTO_ENABLE_AMI_VALIDATION"] = "true"
    os.environ["MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION"] = "true"

    # moto warns of every error code that the service's model does not list; AWS uses many such.
    warnings.simplefilter("ignore")

    from awsdeploy.sandbox.server.control_api import ControlApi
    from awsdeploy.sandbox.server.server import SandboxServer

    server = SandboxServer(options.port, options.speed, options.idle, options.home.resolve(), ControlApi)
    record = options.home / "server.json"
    temporary = record.with_name(f".server-{os.getpid()}.json")
    write(temporary, json.dumps({key: value for key, value in server.status().items() if key != "now"}))
    threading.Thread(target=server.prepare, daemon=True).start()
    temporary.replace(record)
    server.run()


if __name__ == "__main__":
    main()
