"""What can go wrong with models."""

from backend.errors import SpotOptimizerError


class ModelRefused(SpotOptimizerError):
    """The model cannot be accepted."""

    code = "model_refused"


class ScoringFailed(SpotOptimizerError):
    """The model gave no usable answer."""

    code = "scoring_failed"


class UnknownModel(ScoringFailed):
    """The scorer has not loaded this model."""

    code = "unknown_model"


class ScorerUnavailable(SpotOptimizerError):
    """The scorer of this node does not answer."""

    code = "scorer_unavailable"


class BadFeatures(SpotOptimizerError):
    """The features do not fit the model."""

    code = "bad_features"
