"""Models: `Sequential`, and what makes new models from old ones."""

from minikeras.models.cloning import clone_model, model_from_json
from minikeras.models.model import Model
from minikeras.models.sequential import Sequential
from minikeras.registry import Table
from minikeras.saving import load_model, save_model

table: Table[Model] = Table("model", "keras")
table.add_all(Sequential, Model)

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
