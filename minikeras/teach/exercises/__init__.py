"""Backpropagation to be written by yourself, piece by piece, with a judge that names the mistake.

from minikeras import teach

print(teach.exercises())
print(teach.exercise("dense_backward"))
teach.check("dense_backward", my_function)
"""

from minikeras.teach.exercises import functions, images, layers, sequences, updates  # the order of the list
from minikeras.teach.exercises.exercise import Exercise, Exercises, Result, check, exercise, exercises

__all__ = [
    "Exercise", "Exercises", "Result", "check", "exercise", "exercises", "functions", "images", "layers",
    "sequences", "updates",
]  # fmt: skip
