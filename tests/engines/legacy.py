"""Engines as they were written for the older contract, in both of its dialects."""


class Keywords:
    """Called with keywords; answers the manager's words."""

    version = "1.0.0"

    def __init__(self, model_dir, db_connection_func):
        self.model_dir = model_dir
        self.loaded = False

    def load(self):
        self.loaded = True
        return True

    def make_decision(
        self, *, instance, pricing, config, recent_switches_count, last_switch_time
    ):
        ratio = pricing["current_spot_price"] / pricing["ondemand_price"]
        is_dear = ratio > 0.8
        return {
            "instance_id": instance["instance_id"],
            "risk_score": 0.2,
            "recommended_action": "switch" if is_dear else "stay",
            "recommended_mode": "ondemand" if is_dear else "spot",
            "recommended_pool_id": None,
            "expected_savings_per_hour": 0,
            "allowed": True,
            "reason": f"ratio {ratio:.2f}",
        }


class Positions:
    """Called with positions; answers as the engine that was shipped with the older system."""

    version = "1.0.0"

    def make_decision(self, agent_data, pricing_data, market_data=None):
        spot, ondemand = pricing_data["spot_price"], pricing_data["ondemand_price"]
        mode = agent_data["current_mode"]
        if spot / ondemand > 0.8:
            return self._answer("switch_to_ondemand", None, 0.6, 0, 0.7)
        if (ondemand - spot) / ondemand > 0.3 and mode != "spot":
            return self._answer(
                "switch_to_spot", pricing_data["pool_id"], 0.2, ondemand - spot, 0.8
            )
        return self._answer(f"stay_{mode}", pricing_data["pool_id"], 0.3, 0, 0.6)

    @staticmethod
    def _answer(decision_type, pool, risk, savings, confidence):
        return {
            "decision_type": decision_type,
            "recommended_pool_id": pool,
            "risk_score": risk,
            "expected_savings": savings,
            "confidence": confidence,
            "reason": decision_type,
        }


class Speechless:
    """Answers nothing that can be read."""

    def make_decision(self, **facts):
        return {"answer": 42}
