"""@prisma/dev, unpacked from the folder that DEVDB_SHARED names (else ../shared beside the repository)."""

import json
import os
import subprocess
import tarfile

from . import system


class PrismaDev:
    def __init__(self, root, scratch):
        shared = os.environ.get("DEVDB_SHARED") or os.path.join(os.path.dirname(root), "shared")
        archive = f"{shared}/peers/prisma-dev.tar.xz"
        self.folder = None
        self.missing = None
        if not os.path.exists(archive):
            self.missing = f"no {archive} (set DEVDB_SHARED)"
        elif not system.LINUX or os.uname().machine != "x86_64":
            self.missing = "its Node is for Linux on x86_64"
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(scratch, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
            self.folder, self.state, self.count = f"{scratch}/prisma-dev", f"{scratch}/prisma-state", 0

    def first_query(self):
        """Seconds from import to the first answer of a new server, as its own script counts them (Node's start not included)."""
        self.count += 1
        output = system.run(["bin/node", "start.mjs", f"bench{self.count}", "stateful"], cwd=self.folder, stdin=subprocess.DEVNULL,
                            env={**os.environ, "XDG_DATA_HOME": self.state}, timeout=120)
        return json.loads(output.split("\n")[0])["total"] / 1000

    def version(self):
        with open(f"{self.folder}/node_modules/@prisma/dev/package.json") as file:
            return json.load(file)["version"]
