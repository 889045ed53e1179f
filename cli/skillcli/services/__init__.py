"""The embedded services: PostgreSQL, an S3 and a Temporal server from wheels, for one state directory.

    from skillcli.services import EmbeddedServices

    EmbeddedServices(Path("var")).up()

How it holds together, bottom up:

- `files`      private files, written whole or not at all
- `processes`  background processes, and the lock that tells whether one is alive
- `ports`      free loopback ports
- `programs`   the wheels' programs; `account`: the user that PostgreSQL runs as under root
- `server`     what the three have in common: attach, start, repair, stop
- `postgres`, `s3`, `temporal`   what is special about each
- `supervisor` all three together, and the file that the configuration reads

Who may use them: PostgreSQL and the S3 ask for the credentials. The Temporal server has no
authentication, nor have the S3's inner ports; they listen on the loopback address only, so every user
of the machine can reach them. Use external services on a machine that is shared with strangers.
"""

from skillcli.services.status import ServicesStatus, ServiceState, ServiceStatus
from skillcli.services.supervisor import EmbeddedServices

__all__ = ["EmbeddedServices", "ServiceState", "ServiceStatus", "ServicesStatus"]
