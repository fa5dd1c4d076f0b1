"""Every exercise accepts its solution, and names each mistake of its catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from minikeras.teach import check, exercise, exercises

ALL = exercises().data
MISTAKES = [(name, text) for name, e in ALL.items() for text in e.mistakes]


def test_there_is_a_course_of_them():
    assert len(ALL) >= 14
    assert next(iter(ALL)) == "numerical_derivative" and list(ALL)[-1] == "adam"
    text = str(exercises())
    assert all(name in text and name in exercises()._repr_html_() for name in ALL)


@pytest.mark.parametrize("name", ALL)
def test_the_solution_is_right_and_so_is_its_text(name):
    result = check(name, ALL[name].solve)
    assert result.ok and result and "right in all 4 cases" in str(result), result
    scope = {"np": np, "Array": np.ndarray, "Function": object}
    exec(ALL[name].solution(), scope)
    assert check(name, scope[name]).ok


@pytest.mark.parametrize(("name", "text"), MISTAKES)
def test_every_known_mistake_is_named(name, text):
    task = ALL[name]
    result = check(name, task.mistakes[text])
    assert not result.ok
    assert text in str(result), result


@pytest.mark.parametrize("name", ALL)
def test_hints_lead_on(name):
    task = ALL[name]
    assert len(task.hints) >= 2 and len(task.mistakes) >= 4
    assert task.hint() == task.hint(1) != task.hint(len(task.hints))
    assert name in str(task) and "hints" in task._repr_html_()
    assert "'" not in task.task.splitlines()[0]  # the arguments, without their types
    with pytest.raises(ValueError, match="has hints 1 to"):
        task.hint(len(task.hints) + 1)


def test_one_wrong_result_of_several_is_told_from_the_right_ones():
    result = check("dense_backward", lambda dy, x, k: (dy @ k.T, x.T @ dy, dy.mean(axis=0)))
    assert "dbias: divided by N" in str(result) and "(dx and dkernel are right)" in str(result)
    two = check("dense_backward", lambda dy, x, k: (dy @ k.T, dy.T @ x, dy))
    assert "dkernel: it is transposed." in str(two) and "dbias: not summed over the batch" in str(two)
    assert "(dx is right)" in two._repr_html_()


def spoilt(name, change):
    """The solution, but its first result is changed."""

    def f(*arguments):
        result = ALL[name].solve(*arguments)
        return (change(result[0]), *result[1:]) if isinstance(result, tuple) else change(result)

    return f


@pytest.mark.parametrize(
    ("name", "f", "words"),
    [
        ("relu_backward", lambda dy, z: None, ["returned None", "return dz"]),
        ("relu_backward", lambda dy: dy, ["raised TypeError", "dy (1, 3), z (1, 3)"]),
        ("relu_backward", spoilt("relu_backward", lambda d: 3 * d), ["3 times what it should be"]),
        ("relu_backward", spoilt("relu_backward", lambda d: -d), ["the sign is wrong"]),
        ("relu_backward", spoilt("relu_backward", lambda d: d / 0), ["not finite"]),
        (
            "relu_backward",
            spoilt("relu_backward", lambda d: d + 1),
            ["in case 1 3 of 3 numbers differ", "at [0, 0]"],
        ),
        (
            "relu_backward",
            spoilt("relu_backward", lambda d: d.T),
            ["its shape is (3, 1) and should be", "transposed"],
        ),
        (
            "batch_mean_gradient",
            spoilt("batch_mean_gradient", lambda d: np.stack([d, d])),
            ["sum over the batch"],
        ),
        ("cross_entropy", spoilt("cross_entropy", lambda d: d + 1), ["in case 1 1 of 1"]),
        (
            "dense_backward",
            lambda dy, x, k: (dy, x),
            ["must return 3 results: dx, dkernel, dbias", "2 results"],
        ),
        ("dense_backward", lambda dy, x, k: dy, ["It returned one result"]),
        ("softmax", lambda z: np.zeros((len(z), len(z))), ["its shape is"]),
    ],
)
def test_what_is_not_in_the_catalogue_is_described(name, f, words):
    result = check(name, f)
    assert not result.ok
    for word in words:
        assert word in str(result), result


def test_arguments_must_not_be_written_into():
    def f(dy, z):
        dy *= z > 0
        return dy

    result = check("relu_backward", f)
    assert str(result).splitlines()[1:] == ["  it wrote into dy, which others still need: work on a copy."]


def test_unknown_names_and_wrong_arguments():
    with pytest.raises(ValueError, match="Did you mean 'dense_backward'"):
        check("dense_backwards", print)
    with pytest.raises(TypeError, match="your function itself"):
        check("softmax", 3)
    assert exercise("softmax").name == "softmax"
