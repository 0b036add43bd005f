"""The API's routes for what phones and the node report of models in training."""
