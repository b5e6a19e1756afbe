"""The pages that show the API's description: no script or style of theirs is inline."""

VIEWER_PATH = "/openapi/"
# Swagger UI sets styles on its elements and draws its icons from data: addresses.
VIEWER_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width">
<title>Spot Optimizer: the API</title>
<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/assets/viewer/viewer.css">
"""
START_PAGE = (
    _HEAD
    + """</head>
<body>
<ul>
<li><a href="swagger">Read and try the API</a></li>
<li><a href="openapi.json">The description, for programs</a></li>
</ul>
</body>
</html>
"""
)
SWAGGER_PAGE = (
    _HEAD
    + """<link rel="stylesheet" href="swagger/css/swagger-ui.css">
<script src="swagger/js/swagger-ui-bundle.js"></script>
<script src="/assets/viewer/viewer.js"></script>
</head>
<body>
<div id="swagger-ui"></div>
</body>
</html>
"""
)
