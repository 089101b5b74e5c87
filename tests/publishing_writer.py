"""A process that has a store and publishes it when it is told to, for the tests of replicas.

Each line on stdin is a word; each is answered by a line with the number of prompts.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from bridgeboard.runtime import publishing
from bridgeboard.settings import Settings
from bridgeboard.store import Store


def main() -> None:
    path, folder = sys.argv[1:]
    chosen = Settings.model_construct(publish_folder=folder)
    with Store.open(Path(path)) as store:
        for line in sys.stdin:
            if line.strip() == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if line.strip() == "publish":
                problem = publishing.publish(chosen, store, lambda: datetime.now(UTC))
                assert problem is None, problem
            else:
                with store.write() as batch:
                    batch.execute(
                        "DELETE FROM usage WHERE started_at::DATE ="
                        " (SELECT max(started_at)::DATE FROM usage)"
                    )
            print(store.rows("SELECT sum(prompts) FROM usage")[0][0], flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
