"""Launch specs: every agent of ours says how to launch another instance like its own."""

from collections.abc import Mapping
from typing import Any

import orjson

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.domain.commands import CommandType
from backend.errors import Forbidden, NotFound
from backend.repositories import instances, launch_specs
from backend.services.encryption import Vault

USER_DATA = "user_data"


class LaunchSpecs:
    """Keeps launch specs. User data is encrypted, and returned to nobody through the API."""

    def __init__(self, database: Database, clock: Clock, vault: Vault) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault

    def save(
        self, client_id: str, agent_id: str, instance_id: str, spec: Mapping[str, Any]
    ) -> bool:
        """Keep the spec of the agent's primary; False when it is the one we have.

        Raises:
            NotFound: the client has no such agent, or the agent no such instance.
            Forbidden: the instance is not the primary: it does not speak for the agent.
        """
        now = self._clock.now()
        text = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        digest = self._vault.fingerprint(text)
        user_data = spec.get(USER_DATA)
        public = {name: value for name, value in spec.items() if name != USER_DATA}

        def work(tx: Transaction) -> bool:
            instance = instances.find_instance(tx, client_id, agent_id, instance_id)
            if instance is None:
                raise NotFound("Unknown agent or instance", field="instance_id")
            if instance["role"] != "primary":
                raise Forbidden("Only the primary describes its agent", role=instance["role"])
            present = launch_specs.find_launch_spec(tx, client_id, agent_id)
            if present and present["spec_hash"] == digest:
                return False
            launch_specs.save_launch_spec(
                tx,
                client_id=client_id,
                agent_id=agent_id,
                instance_id=instance_id,
                spec=orjson.dumps(public).decode(),
                user_data_encrypted=self._vault.seal(str(user_data)) if user_data else None,
                spec_hash=digest,
                now=now,
            )
            tx.commit()
            return True

        return self._database.transact("save_launch_spec", work)

    def reveal(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a command as its holder needs it: the user data of a rescue in clear.

        In the books it is encrypted there too. When SECRET_KEY has changed since, the launch spec is
        left out: a server without its user data is none.
        """
        if command["command_type"] != CommandType.RESCUE or not command["payload"]:
            return command
        payload = orjson.loads(command["payload"])
        sealed = payload.pop("user_data_sealed", None)
        if sealed is not None:
            user_data = self._vault.open(sealed)
            spec = payload.get("launch_spec")
            payload["launch_spec"] = {**spec, USER_DATA: user_data} if user_data and spec else None
        return {**command, "payload": orjson.dumps(payload).decode()}
