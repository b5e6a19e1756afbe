"""The exact names that a pickled scikit-learn model may refer to. Nothing else is ever imported.

Pairs, not prefixes: ``numpy.memmap`` writes files, and ``sklearn`` holds functions that do too.
"""

from typing import Final

_ESTIMATORS: Final = {
    "sklearn.calibration": (
        "CalibratedClassifierCV",
        "_CalibratedClassifier",
        "_SigmoidCalibration",
    ),
    "sklearn.ensemble._forest": (
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
    ),
    "sklearn.ensemble._gb": ("GradientBoostingClassifier", "GradientBoostingRegressor"),
    "sklearn.ensemble._hist_gradient_boosting.binning": ("_BinMapper",),
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": (
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
    ),
    "sklearn.ensemble._hist_gradient_boosting.predictor": ("TreePredictor",),
    "sklearn.dummy": ("DummyClassifier", "DummyRegressor"),
    "sklearn.isotonic": ("IsotonicRegression",),
    "sklearn.linear_model._base": ("LinearRegression",),
    "sklearn.linear_model._coordinate_descent": ("ElasticNet", "Lasso"),
    "sklearn.linear_model._logistic": ("LogisticRegression", "LogisticRegressionCV"),
    "sklearn.linear_model._ridge": ("Ridge", "RidgeClassifier"),
    "sklearn.linear_model._stochastic_gradient": ("SGDClassifier", "SGDRegressor"),
    "sklearn.neural_network._multilayer_perceptron": ("MLPClassifier", "MLPRegressor"),
    "sklearn.pipeline": ("Pipeline",),
    "sklearn.preprocessing._data": (
        "MaxAbsScaler",
        "MinMaxScaler",
        "PolynomialFeatures",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    ),
    "sklearn.preprocessing._label": ("LabelBinarizer", "LabelEncoder"),
    "sklearn.tree._classes": (
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
    ),
}
_PARTS: Final = {
    "sklearn.tree._tree": ("Tree",),
    "sklearn._loss.link": ("IdentityLink", "Interval", "LogitLink", "HalfLogitLink", "LogLink"),
    "sklearn._loss.loss": (
        "HalfBinomialLoss",
        "HalfSquaredError",
        "AbsoluteError",
        "ExponentialLoss",
    ),
    "sklearn._loss._loss": (
        "CyHalfBinomialLoss",
        "CyHalfSquaredError",
        "CyAbsoluteError",
        "CyExponentialLoss",
        "__pyx_unpickle_CyHalfBinomialLoss",
        "__pyx_unpickle_CyHalfSquaredError",
        "__pyx_unpickle_CyAbsoluteError",
        "__pyx_unpickle_CyExponentialLoss",
    ),
    "numpy": ("dtype", "ndarray", "float64", "float32", "int64", "int32", "bool_"),
    "numpy.dtypes": ("Float64DType", "Float32DType", "Int64DType"),
    "numpy._core.multiarray": ("_reconstruct", "scalar"),
    "numpy.core.multiarray": ("_reconstruct", "scalar"),
    "numpy._core.numeric": ("_frombuffer",),
    "numpy.core.numeric": ("_frombuffer",),
    "collections": ("OrderedDict",),
    "builtins": ("slice",),
}

ALLOWED: Final[frozenset[tuple[str, str]]] = frozenset(
    (module, name)
    for table in (_ESTIMATORS, _PARTS)
    for module, names in table.items()
    for name in names
)
ESTIMATORS: Final[frozenset[tuple[str, str]]] = frozenset(
    (module, name) for module, names in _ESTIMATORS.items() for name in names
)

# Random generators and optimizers that a fitted model carries along but no longer uses: read, and forgotten.
FORGOTTEN: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("numpy.random._pickle", "__bit_generator_ctor"),
        ("numpy.random._pickle", "__generator_ctor"),
        ("numpy.random._pickle", "__randomstate_ctor"),
        ("numpy.random._mt19937", "MT19937"),
        ("numpy.random._pcg64", "PCG64"),
        ("numpy.random.bit_generator", "SeedSequence"),
        ("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer"),
        ("sklearn.neural_network._stochastic_optimizers", "SGDOptimizer"),
        ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"),
    }
)
