"""Split examples by group, so that no speaker, patient or device is in two parts.

A network knows a speaker again by more than the word that is said. With examples of one speaker in the
training and the test part, the accuracy is one that no other speaker will see.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reds.data.checks import Part, check_present, given_rule
from reds.data.images import sample_share
from reds.errors import DataError
from reds.text import shown

TEST_SHARE, TEST_SEED = 0.2, 0
"""Share of every class that becomes the test part, and the seed that draws it."""
VALIDATION_SHARE = 0.1
"""Share of every class of the other groups that validates."""
Groups = NDArray[Any]
"""Group of each example: texts or whole numbers [N]."""


def split_parts(
    where: str | Path, given: Mapping[str, Part], groups: Mapping[str, Groups] | None,
    classes: tuple[str, ...], seed: int,
) -> tuple[dict[str, Part], str]:  # fmt: skip
    """Cut a test part off the training part, if none is given, and say the rule.

    Args:
        where: The file or folder of the examples, for errors.
        given: `train`, and optionally `test` and `validation`.
        groups: Group of each example, by part; None if examples may be split singly.
        classes: Names of the labels 0, 1, 2...
        seed: Chooses the validation part. One is cut off only where examples have groups.

    Returns:
        The parts, and the rule in words.

    Raises:
        DataError: A group is in two given parts, or a class has too few examples or groups.
    """
    if groups is None:
        if "test" in given:
            return dict(given), given_rule(given)
        in_test = sample_share(given["train"].y, TEST_SHARE, TEST_SEED)
        rule = f"{TEST_SHARE:.0%} of every class test, drawn with seed {TEST_SEED}"
        train, test = _cut(given["train"], in_test)
        check_present(f"{where}: training part without the test part", train.y, classes)
        return {"train": train, "test": test}, rule
    _check_apart(where, groups)
    parts, rule, of_train = dict(given), given_rule(given), groups["train"]
    if "test" not in given:
        keep = 1 if "validation" in given else 2
        in_test = group_share(where, parts["train"].y, of_train, TEST_SHARE, TEST_SEED, keep)
        parts["train"], parts["test"] = _cut(parts["train"], in_test)
        of_train, tested = of_train[~in_test], np.unique(of_train[in_test])
        of = len(np.unique(groups["train"]))
        rule += f"{'; ' * bool(rule)}of {of} groups {len(tested)} test, drawn with seed {TEST_SEED}"
    if "validation" not in given:
        held = group_share(where, parts["train"].y, of_train, VALIDATION_SHARE, seed)
        parts["train"], parts["validation"] = _cut(parts["train"], held)
        rule += f"; of the others {len(np.unique(of_train[held]))} validate, drawn with seed {seed}"
    return parts, rule


def group_share(
    where: str | Path, y: NDArray[np.integer[Any]], groups: Groups, share: float, seed: int, keep: int = 1
) -> NDArray[np.bool_]:
    """Choose whole groups that have about this share of every class.

    Groups are taken in a random order, each if it brings the shares of all classes nearer to the one wanted.

    Args:
        where: The examples, for errors.
        y: Labels [N].
        groups: Group of each example [N].
        share: Share of each class, 0 to 1.
        seed: Chooses the groups.
        keep: Groups of each class that are not to be chosen.

    Returns:
        Which examples are chosen, bool [N].

    Raises:
        DataError: A class is in too few groups.
    """
    names, group = np.unique(groups, return_inverse=True)
    labels, label = np.unique(y, return_inverse=True)
    counts = np.zeros((len(names), len(labels)))
    np.add.at(counts, (group, label), 1)
    for of_class, label_name in zip(counts.T, labels, strict=True):
        if (found := int((of_class > 0).sum())) <= keep:
            raise DataError(
                f"{where}: the class with label {label_name} is in {found} groups, of which"
                f" {shown(str(names[of_class.argmax()]))} is the largest: {keep + 1} or more are needed, one"
                " for each part: add groups, or give the parts yourself"
            )
    shares, chosen = counts / counts.sum(0), np.zeros(len(names), bool)
    order = np.random.default_rng(seed).permutation(len(names))
    for one in order:
        if _may_go(one, counts, chosen, keep) and _distance(shares, chosen, one, share) < _distance(
            shares, chosen, None, share
        ):
            chosen[one] = True
    for missing in range(len(labels)):  # of each class, the group nearest to the share
        if not counts[chosen, missing].any():
            able = [one for one in order if counts[one, missing] and _may_go(one, counts, chosen, keep)]
            if not able:
                raise DataError(
                    f"{where}: no group with the class with label {labels[missing]} can be held out, as each"
                    " is the last of some class: add groups, or give the parts yourself"
                )
            chosen[min(able, key=lambda one: _distance(shares, chosen, one, share))] = True
    return np.asarray(chosen[group])


def groups_of(files: Sequence[Path], pattern: str) -> Groups:
    """Return the group that a regular expression finds in the name of each file, texts [N].

    Raises:
        DataError: The expression cannot be used, or it finds no group in a name.
    """
    try:
        finder = re.compile(pattern)
    except re.error as error:
        raise DataError(f"group {shown(pattern)} is no regular expression: {error}") from None
    if finder.groups != 1:
        raise DataError(
            f"group {shown(pattern)} has {finder.groups} pairs of parentheses: put one around what names"
            " the group, as in '^(.+?)_'"
        )
    found = [finder.search(file.name) for file in files]
    for file, match in zip(files, found, strict=True):
        if not match or not match[1]:
            raise DataError(f"{file}: group {shown(pattern)} finds nothing in its name: rename it, or correct"
                            " the expression")  # fmt: skip
    return np.array([match[1] for match in found if match])


def _check_apart(where: str | Path, groups: Mapping[str, Groups]) -> None:
    """Raise `DataError` if a group is in two parts."""
    parts = list(groups)
    for i, part in enumerate(parts):
        for other in parts[i + 1 :]:
            if len(both := np.intersect1d(groups[part], groups[other])):
                raise DataError(
                    f"{where}: the group {shown(str(both[0]))} is in {part} and in {other}, and"
                    f" {len(both) - 1} more are: move all examples of a group into one part"
                )


def _cut(part: Part, chosen: NDArray[np.bool_]) -> tuple[Part, Part]:
    """Return the examples that are not chosen, and those that are."""
    return Part(part.x[~chosen], part.y[~chosen]), Part(part.x[chosen], part.y[chosen])


def _may_go(one: int, counts: NDArray[Any], chosen: NDArray[np.bool_], keep: int) -> bool:
    """Return whether every class keeps enough groups if one more is chosen."""
    left = ~chosen
    left[one] = False
    return bool(((counts[left] > 0).sum(0) >= keep).all())


def _distance(shares: NDArray[Any], chosen: NDArray[np.bool_], one: int | None, share: float) -> float:
    """Return how far the chosen groups, and one more, are from the share wanted, over all classes."""
    more = 0 if one is None else shares[one]
    return float(np.abs(shares[chosen].sum(0) + more - share).sum())
