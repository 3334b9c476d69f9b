"""The playlist checker can fail."""

from __future__ import annotations

import pytest

from tests.hls_playlist import check, check_next, merged, parse

GOOD = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:6
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=36.0,HOLD-BACK=18.0,PART-HOLD-BACK=1.002
#EXT-X-PART-INF:PART-TARGET=0.334
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="i.mp4"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z
#EXT-X-PART:DURATION=0.32000,URI="7.0",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.08000,URI="7.1"
#EXTINF:0.40000,
7
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.400Z
#EXT-X-PART:DURATION=0.32000,URI="8.0",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="8.1"
"""


def test_a_sound_playlist() -> None:
    check(parse(GOOD))
    check_next(parse(GOOD), parse(GOOD.replace('URI="8.1"\n', 'URI="8.2"\n').replace(
        "#EXT-X-PRELOAD", '#EXT-X-PART:DURATION=0.32000,URI="8.1"\n#EXT-X-PRELOAD'
    )))  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.32000,URI=\"8.0\"", "0.20000,URI=\"8.0\""),
        ("PART-TARGET=0.334", "PART-TARGET=0.300"),
        ("PART-HOLD-BACK=1.002", "PART-HOLD-BACK=0.700"),
        ("#EXTINF:0.40000", "#EXTINF:0.50000"),
        ("#EXTINF:0.40000", "#EXTINF:6.60000"),
        ("20.400Z", "20.600Z"),
        ("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.1\"\n", ""),
        ("URI=\"8.1\"", "URI=\"8.0\""),
        ("CAN-SKIP-UNTIL=36.0", "CAN-SKIP-UNTIL=30.0"),
        ("#EXT-X-VERSION:9", "#EXT-X-VERSION:7"),
        ("#EXT-X-PART-INF", "#EXT-X-PARTS-INF"),
    ],
)  # fmt: skip
def test_each_rule_can_be_broken(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(AssertionError):
        check(parse(GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SEQUENCE:7", "SEQUENCE:6"),
        ("TARGETDURATION:6", "TARGETDURATION:7"),
        ("\n7\n", "\n7b\n"),
        ('0.32000,URI="8.0"', '0.33000,URI="8.0"'),
        ("#EXT-X-PRELOAD", '#EXT-X-PART:DURATION=0.32000,URI="8.x"\n#EXT-X-PRELOAD'),
    ],
)
def test_each_rule_of_succession_can_be_broken(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(AssertionError):
        check_next(parse(GOOD), parse(GOOD.replace(old, new)))


def test_a_delta_update_is_merged() -> None:
    skipped = GOOD[: GOOD.index("#EXT-X-MAP")] + "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"
    delta = parse(skipped + GOOD[GOOD.index("\n7\n") + 3 :])
    assert merged(parse(GOOD), delta) == parse(GOOD)
