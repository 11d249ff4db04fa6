import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsync.mapping.fields import IDENTIFIERS
from tagsync.mapping.masking import mask


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("phone", "13800130000", "138****0000"),
        ("phone", "138 0013-0000", "138****0000"),
        ("phone", "+85291234567", "+85****4567"),
        ("phone", "+123456", "****"),
        ("phone", "1380013", "****"),
        ("phone", "13800138000/13900139000", "****"),
        ("phone", "张三 13800138000", "****"),
        ("openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oUpF…6o"),
        ("unionid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oUpF…6o"),
        ("openid", "oUpF8uMu", "****"),
        ("openid", "13800138000", "****"),
        ("audienceUserId", "123456789012345678", "123****78"),
        ("audienceUserId", "C001", "****"),
        ("audienceUserId", "zhang.san@example.com", "****"),
        ("phone", "", ""),
        ("tags", "VIP,新客", "VIP,新客"),
        ("unknown", "13800138000", "****"),
    ],
)
def test_it_hides_the_middle_or_everything(key: str, value: str, shown: str) -> None:
    assert mask(key, value) == shown


@given(st.sampled_from(IDENTIFIERS), st.text(min_size=1))
def test_it_never_shows_a_whole_identifier(key: str, value: str) -> None:
    shown = mask(key, value)
    assert shown == "****" or len(shown.replace("*", "").replace("…", "")) < len(value)
