"""Which encoding a text is in: strict attempts with their reasons; how usual the characters are is evidence only.

A file that two encodings decode is said to be ambiguous. The order of attempts is that of certainty: a byte-order
mark, the pattern of zero bytes that UTF-16 makes, UTF-8 (whose many-byte sequences do not arise by chance), then
GB18030 and Big5, both of which decode much that they did not write.
"""

from __future__ import annotations

import codecs
import functools
from dataclasses import dataclass

from commonground.errors import Said

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FEW = 12  # with fewer characters beyond ASCII chance cannot be ruled out
# Characters of headings, names and addresses in administrative files; a text in the right encoding is full of them.
_USUAL = frozenset(
    "的一是在有人不个大中国年月日姓名性别男女出生民族汉身份证号码证件类型户口籍地址电话联系家庭住现所在乡镇村组街道"
    "社区路栋单元室省市县区学校籍级班入时间标识代编序方式性质农业非居民是否独子女留守儿童监护父母亲关系务工外省内"
    "成绩语文数英总分名次体检身高重血压低保金额月收入类别状态备注合计小说明填表制审核单位部门日期王李张刘陈杨赵黄周"
    "吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石"
    "姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文小第新东西南北山水云生和平安明华"
    "丽秀英军强伟芳娜敏静杰涛超勇艳霞玲桂花春梅兰红建志海天福德光清林飞鹏博宇轩涵欣怡梓萱姓號碼類別戶學國區縣鄉鎮"
    "證時間電話聯繫業農屬級語數總績員會長發無經過後來說這們為與個"
)


@dataclass(frozen=True)
class Encoding:
    """What was found: ``name`` is "" where no usual encoding fits."""

    name: str
    confidence: float
    why: Said
    doubts: tuple[Said, ...] = ()


def detect(content: bytes, *, whole: bool = True) -> Encoding:
    """Tell the encoding of text.

    Parameters
    ----------
    whole : bool
        Whether ``content`` is all of the file; if not, the reasons say so.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _marked(content, name)
    wide = _zero_bytes(content)
    if wide is not None:
        return wide
    beyond = len(content) - len(content.translate(None, bytes(range(128, 256))))
    if not beyond:
        return Encoding(
            "utf-8",
            0.9,
            Said(
                "全部是 ASCII 字符，任何编码读出来都一样；写作 utf-8，以后出现汉字而编码不同时读入会停下并说明",
                "ASCII alone: all encodings read it alike; written as utf-8, and if other characters come later in "
                "another encoding, reading stops and says so",
            ),
        )
    fits = {name: text for name in ("utf-8", "gb18030", "big5") if (text := _decoded(content, name)) is not None}
    if not fits:
        return _nearest(content)
    return _choose(fits, whole)


def _marked(content: bytes, name: str) -> Encoding:
    text = _decoded(content, name)
    if text is None:
        return Encoding(
            name,
            0.5,
            Said(f"文件开头有 {name} 的标记", f"begins with the byte-order mark of {name}"),
            (Said(f"但后面有不合 {name} 的字节", f"but bytes that are not {name} follow"),),
        )
    return Encoding(
        name,
        1.0,
        Said(
            f"文件开头有 {name} 的字节顺序标记（BOM），全部内容可以解码",
            f"begins with the byte-order mark of {name}; all of it decodes",
        ),
    )


def _zero_bytes(content: bytes) -> Encoding | None:
    """UTF-16 without a mark: separators and line ends show as zero bytes at every second place."""
    start = content[: 64 * 1024]
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < max(4, len(start) // 200) or min(even, odd) * 20 > max(even, odd):
        return None
    name = "utf-16-le" if odd > even else "utf-16-be"
    text = _decoded(content, name)
    if text is None or _usual(text) < 0 or "\n" not in text.replace("\r", "\n"):
        return None
    return Encoding(
        name,
        0.95,
        Said(
            f"没有 BOM，但 0 字节都在{'奇' if odd > even else '偶'}数位，按 {name} 可全部解码",
            f"no byte-order mark, but zero bytes at {'odd' if odd > even else 'even'} places; all decodes as {name}",
        ),
    )


def _decoded(content: bytes, name: str) -> str | None:
    """Decode strictly; an end inside a character is the mark of a cut and no sign against the encoding."""
    try:
        return codecs.getincrementaldecoder(name)("strict").decode(content, False)
    except UnicodeError:
        return None


@functools.cache
def _level_one() -> frozenset[str]:
    """Frequent characters: the first level of GB 2312 and of Big5, which both put them apart from the rare ones."""
    simple = bytes(b for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF) for b in (high, low))
    lows = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    full = bytes(b for high in range(0xA4, 0xC7) for low in lows for b in (high, low))
    return frozenset(simple.decode("gb2312", "ignore") + full.decode("big5", "ignore"))


def _usual(text: str) -> float:
    """Mean weight of characters beyond ASCII: 1 for those of every administrative file, negative for rare ones."""
    beyond = [char for char in text[:200_000] if char > "\x7f"]
    if not beyond:
        return 0.0
    common = _level_one()
    score = 0.0
    for char in beyond:
        if char in _USUAL or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uff65":
            score += 1.0
        elif char in common or char == "\ufeff":
            score += 0.4
        else:
            score -= 0.6 if "\u4e00" <= char <= "\u9fff" else 1.0
    return score / len(beyond)


def _choose(fits: dict[str, str], whole: bool) -> Encoding:
    scores = {name: _usual(text) for name, text in fits.items()}
    others = [name for name in ("utf-8", "gb18030", "big5") if name not in fits]
    beyond = {name: sum(char > "\x7f" for char in text) for name, text in fits.items()}
    part = Said("" if whole else "（只看了抽样部分）", "" if whole else " (of what was sampled)")
    ruled_out = Said(
        f"；{'、'.join(others)} 解不开" if others else "", f"; not decodable as {', '.join(others)}" if others else ""
    )
    if "utf-8" in fits and (beyond["utf-8"] >= _FEW or len(fits) == 1):
        # Chance makes UTF-8 out of other encodings for a few characters at most, and then of rare letters.
        return Encoding(
            "utf-8",
            0.99 if beyond["utf-8"] >= _FEW else 0.9,
            Said(
                f"按 UTF-8 严格解码无误，ASCII 以外有 {beyond['utf-8']} 个字符{ruled_out.zh}{part.zh}",
                f"strict UTF-8 with {beyond['utf-8']} characters beyond ASCII{ruled_out.en}{part.en}",
            ),
        )
    best = max(scores, key=lambda name: (round(scores[name], 3), name == "utf-8", name == "gb18030"))
    second = sorted((score for name, score in scores.items() if name != best), reverse=True)
    lead = scores[best] - (second[0] if second else -1.0)
    share = Said(
        f"常用字评分 {scores[best]:.2f}，共 {beyond[best]} 个非 ASCII 字符",
        f"usualness of its characters {scores[best]:.2f}, {beyond[best]} of them beyond ASCII",
    )
    sure = scores[best] > 0.2 and (lead > 0.3 or not second)
    confidence = (0.98 if beyond[best] >= _FEW else 0.75) if sure else 0.5 if scores[best] > 0 else 0.25
    why = Said(
        f"按 {best} 严格解码无误，{share.zh}{ruled_out.zh}{part.zh}",
        f"strict {best}; {share.en}{ruled_out.en}{part.en}",
    )
    return Encoding(best, confidence, why, _doubts(best, fits, beyond[best], sure=sure))


def _doubts(best: str, fits: dict[str, str], beyond: int, *, sure: bool) -> tuple[Said, ...]:
    out = []
    if not sure or beyond < _FEW:
        rest = [name for name in fits if name != best]
        zh, en = "、".join(rest), ", ".join(rest)
        also = Said(f"，{zh} 也解得开" if rest else "", f"; {en} would decode too" if rest else "")
        out.append(
            Said(
                f"编码不能确定：只有 {beyond} 个非 ASCII 字符可作判断{also.zh}。请打开文件核对汉字是否正确。",
                f"The encoding is ambiguous: {beyond} characters beyond ASCII to judge by{also.en}. "
                "Open the file and see whether its words read right.",
            )
        )
    private = sum("\ue000" <= char <= "\uf8ff" for char in fits[best])
    if private:
        out.append(
            Said(
                f"有 {private} 个自造字（私用区字符），多为生僻姓名，不同版本的字库对应的字不同，请核对。",
                f"{private} private-use characters, mostly rare names; fonts differ in what they show: check them.",
            )
        )
    return tuple(out)


def _nearest(content: bytes) -> Encoding:
    """No encoding decodes everything: name the one with the fewest faults, and where the first is."""
    faults = {}
    for name in ("utf-8", "gb18030", "big5"):
        try:
            content.decode(name)
        except UnicodeDecodeError as fault:
            faults[name] = (content.decode(name, "replace").count("\ufffd"), fault.start)
    best = min(faults, key=lambda name: faults[name][0])
    count, at = faults[best]
    total = sum(byte > 127 for byte in content[: 1 << 20]) or 1
    if count * 20 > total:
        return Encoding("", 0.0, Said("常见编码都解不开", "no usual encoding decodes it"))
    line = content[:at].count(b"\n") + 1
    return Encoding(
        best,
        0.6,
        Said(f"大体是 {best}，有 {count} 处解不开", f"mostly {best}, with {count} faults"),
        (
            Said(
                f"按 {best} 有 {count} 处解不开（第一处：第 {line} 行，第 {at} 字节）；"
                "照此约定读入会停下。请部门重新导出。",
                f"{count} places do not decode as {best} (the first in line {line}, byte {at}); reading by this "
                "contract will stop there. Ask the department to export it again.",
            ),
        ),
    )
