"""The instance metadata service: a port of its own for every instance, version 2."""

from simulator.loopback import HOST, LoopbackServers, Request, Response
from simulator.metadata.documents import META, documents, listing
from simulator.metadata.tokens import Tokens
from simulator.region.model import Instance
from simulator.region.region import Region

TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name
NOT_FOUND = Response(404, b"Not Found")
UNAUTHORIZED = Response(401, b"Unauthorized")


class MetadataService:
    """Opens and closes the metadata port of each instance."""

    def __init__(self, region: Region, servers: LoopbackServers) -> None:
        self._region = region
        self._servers = servers
        self._ports: dict[str, int] = {}
        self.tokens: dict[str, Tokens] = {}

    def open(self, instance: Instance) -> None:
        """Give an instance its metadata."""
        tokens = Tokens(self._region.clock)
        self.tokens[instance.instance_id] = tokens
        self._ports[instance.instance_id] = self._servers.open(
            lambda request: self._answer(instance, tokens, request)
        )

    def close(self, instance_id: str) -> None:
        """Take it away: connections are refused from now on. Idempotent."""
        self.tokens.pop(instance_id, None)
        port = self._ports.pop(instance_id, None)
        if port is not None:
            self._servers.close(port)

    def endpoint(self, instance_id: str) -> str:
        """Return the URL of a live instance's metadata service.

        Raises:
            KeyError: the instance has none.
        """
        return f"http://{HOST}:{self._ports[instance_id]}"

    def _answer(self, instance: Instance, tokens: Tokens, request: Request) -> Response:
        with self._region.lock:
            options = dict(instance.metadata_options)
            known = documents(instance, self._region.catalog)
        if options.get("HttpEndpoint") == "disabled":
            return Response(403, b"Forbidden")
        if request.method == "PUT":
            return _issue(tokens, request)
        token = request.header(TOKEN_HEADER)
        is_optional = options.get("HttpTokens") == "optional"
        if not tokens.is_valid(token) and (token or not is_optional):
            return UNAUTHORIZED
        if request.method != "GET":
            return Response(405, b"Method Not Allowed")
        found = known.get(request.path)
        if found is None and request.path.startswith(META):
            found = listing(request.path, known)
        return NOT_FOUND if found is None else Response(200, found)


def _issue(tokens: Tokens, request: Request) -> Response:
    if request.path != TOKEN_PATH:
        return Response(405, b"Method Not Allowed")
    if request.header("X-Forwarded-For"):
        return Response(403, b"Forbidden")  # a proxy must not fetch tokens
    ttl = request.header(TTL_HEADER)
    token = tokens.issue(ttl)
    if token is None:
        return Response(400, b"Bad Request")
    return Response(200, token.encode(), headers={TTL_HEADER: ttl})
