"""Models: `Sequential`, and what makes new models from old ones."""

from minikeras.models.cloning import clone_model, model_from_json
from minikeras.models.model import Model
from minikeras.models.sequential import Sequential
from minikeras.registry import Table

table: Table[Model] = Table("model", "keras")
table.add_all(Sequential, Model)

__all__ = ["Model", "Sequential", "clone_model", "model_from_json"]
