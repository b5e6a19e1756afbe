"""What the API answers: a model for every route, which its description and the tests hold it to."""
