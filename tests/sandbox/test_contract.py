import copy

import pytest

from tagsync.sandbox.contract import problem

GOOD = {
    "publicParams": {"isMatching": True, "matchingType": 2, "identifyWay": 1, "optType": "add"},
    "data": [{"audienceUserId": "1", "tags": "tag1,tag2"}],
}


def changed(path, value):
    """GOOD with one value set, or taken out when the value is Ellipsis."""
    body = copy.deepcopy(GOOD)
    *way, last = path
    inner = body
    for step in way:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return body


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        {"publicParams": {"isMatching": False, "optType": "delete"}, "data": [{"phone": "1", "tags": "a"}]},
        {"publicParams": {"isMatching": True, "optType": "add"}, "data": [{"thirdId": "1", "tags": "a"}]},
        changed(("publicParams",), {"isMatching": True, "matchingType": 1, "optType": "add"}),
        changed(("data", 0), {"openid": "o", "unionid": "u", "phone": "1", "audienceUserId": "2", "tags": "a"}),
        changed(("data",), GOOD["data"] * 500),
    ],
)
def test_it_finds_nothing_wrong_with_what_is_documented(body):
    assert problem(body) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        (None, "body"),
        ({**GOOD, "extra": 1}, "extra"),
        (changed(("publicParams",), ...), "publicParams"),
        (changed(("publicParams",), []), "publicParams"),
        (changed(("publicParams", "extra"), 1), "publicParams.extra"),
        (changed(("publicParams", "isMatching"), ...), "publicParams.isMatching"),
        (changed(("publicParams", "isMatching"), "true"), "publicParams.isMatching"),
        (changed(("publicParams", "isMatching"), 1), "publicParams.isMatching"),
        (changed(("publicParams", "isMatching"), False), "publicParams.matchingType"),
        (changed(("publicParams", "matchingType"), "2"), "publicParams.matchingType"),
        (changed(("publicParams", "matchingType"), 3), "publicParams.matchingType"),
        (changed(("publicParams", "matchingType"), None), "publicParams.matchingType"),
        (changed(("publicParams", "matchingType"), True), "publicParams.matchingType"),
        (changed(("publicParams", "matchingType"), 1), "publicParams.identifyWay"),
        (changed(("publicParams", "identifyWay"), ...), "publicParams.identifyWay"),
        (changed(("publicParams", "identifyWay"), 0), "publicParams.identifyWay"),
        (changed(("publicParams", "optType"), ...), "publicParams.optType"),
        (changed(("publicParams", "optType"), 1), "publicParams.optType"),
        (changed(("publicParams", "optType"), "remove"), "publicParams.optType"),
        (changed(("data",), ...), "data"),
        (changed(("data",), {}), "data"),
        (changed(("data",), []), "data"),
        (changed(("data",), GOOD["data"] * 501), "data"),
        (changed(("data", 0), "x"), "data[0]"),
        (changed(("data", 0, "name"), "x"), "data[0].name"),
        (changed(("data", 0, "phone"), 13800138000), "data[0].phone"),
        (changed(("data", 0, "phone"), None), "data[0].phone"),
        (changed(("data", 0, "phone"), ""), "data[0].phone"),
        (changed(("data", 0, "tags"), ["a"]), "data[0].tags"),
        (changed(("data", 0, "tags"), ...), "data[0].tags"),
        (changed(("data", 0, "tags"), "a,,b"), "data[0].tags"),
        (changed(("data", 0, "tags"), ",a"), "data[0].tags"),
        (changed(("data", 0, "audienceUserId"), ...), "data[0]"),
        (changed(("data", 0, "thirdId"), "1"), "data[0].thirdId"),
        (changed(("data",), [*GOOD["data"], {"phone": "1", "tags": 1}]), "data[1].tags"),
    ],
)
def test_it_names_the_field_that_is_wrong(body, field):
    assert problem(body).split(":")[0] == field
