"""Where the demo city is: counties, townships, villages and the places people come from or go to.

All of it is invented. The area codes 5298xx and 5299xx were never assigned, and no province has the number 57,
so that no identity number made from them can be a real person's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CITY = ("云岭市", "Yunling")
CITY_CODE = "529920"


@dataclass(frozen=True)
class County:
    """A county or district: code, names, whether it is an urban district, and its townships in order.

    The first three townships of a district are sub-districts in town; the first of a county is the county seat.
    """

    code: str
    zh: str
    en: str
    urban: bool
    townships: tuple[str, str, str, str]


COUNTIES = (
    County("529921", "云川区", "Yunchuan", True, ("云门街道", "北关街道", "锦绣街道", "沙井镇")),
    County("529922", "铜鼓区", "Tonggu", True, ("鼓楼街道", "河滨街道", "新桥街道", "麻塘镇")),
    County("529923", "望岭县", "Wangling", False, ("望城镇", "大塘镇", "白果镇", "岩脚乡")),
    County("529924", "石桥县", "Shiqiao", False, ("石城镇", "白马镇", "双河镇", "猫营乡")),
    County("529925", "青禾县", "Qinghe", False, ("禾城镇", "官庄镇", "黄泥镇", "羊场乡")),
    County("529926", "桐花县", "Tonghua", False, ("桐阳镇", "板桥镇", "响水镇", "马鞍乡")),
    County("529927", "高坪县", "Gaoping", False, ("坪城镇", "龙潭镇", "茶店镇", "云雾乡")),
)

#: Merged into 529923 on 2016-09-01; identity numbers given out before keep the old code.
MERGED = ("529928", "旧营县", "Jiuying", "529923", np.datetime64("2016-09-01"))

#: Hukou places outside the city: code, text as written in addresses, English.
OUTSIDE = (
    ("529801", "本省平湖市", "Pinghu, same province"),
    ("529802", "本省东溪市", "Dongxi, same province"),
    ("529811", "本省长坝县", "Changba, same province"),
    ("570101", "澜江省澜城市", "Lancheng, Lanjiang"),
    ("570122", "澜江省三渡县", "Sandu, Lanjiang"),
    ("570203", "海州省海门新城", "Haimen, Haizhou"),
)

#: Where people go to work: province and place as labour offices write them, by how far it is.
WORK_PLACES = {
    "other_province": (
        ("广东省", "广东省东莞市"),
        ("广东省", "广东省深圳市"),
        ("浙江省", "浙江省义乌市"),
        ("福建省", "福建省晋江市"),
        ("江苏省", "江苏省昆山市"),
    ),
    "same_province": (("本省", "平湖市"), ("本省", "东溪市"), ("本省", "省城")),
    "same_city": (("本省", "云岭市云川区"), ("本省", "云岭市铜鼓区")),
    "same_county": (("本省", "县城"), ("本省", "县内工业园")),
}

_VILLAGE_NAMES = """
新庄 上寨 下河 老街 平桥 石门 大湾 小坝 柏林 桃园 红星 前进 团结 高寨 水井
青杠 竹林 沙坡 长田 金竹 龙井 花桥 凉亭 枫香 核桃 梨树 土地 关口 营盘 马路
"""
_VILLAGES = _VILLAGE_NAMES.split()
TOWNSHIPS_PER_COUNTY = 4
VILLAGES_PER_TOWNSHIP = 5


@dataclass(frozen=True)
class Villages:
    """Every village and community of the city, one entry each.

    Attributes
    ----------
    code : array of str
        Twelve digits: county, township, village.
    text : array of str
        Address down to the village, without the city.
    county, township : array of int
        Index of the county, and of the township within the whole city.
    town : array of bool
        In a sub-district or a county seat rather than in the countryside.
    """

    code: np.ndarray
    text: np.ndarray
    county: np.ndarray
    township: np.ndarray
    town: np.ndarray


def make_villages() -> Villages:
    """List the villages; the same list every time."""
    code, text, county, township, town = [], [], [], [], []
    for c, where in enumerate(COUNTIES):
        for t, name in enumerate(where.townships):
            kind = {"道": 0, "镇": 100, "乡": 200}[name[-1]]
            for v in range(VILLAGES_PER_TOWNSHIP):
                in_town = is_town(c, t)
                village = _VILLAGES[(c * 7 + t * 5 + v) % len(_VILLAGES)]
                code.append(f"{where.code}{kind + t + 1:03d}{v + (1 if in_town else 201):03d}")
                text.append(f"{where.zh}{name}{village}{'社区' if in_town else '村'}")
                county.append(c)
                township.append(c * TOWNSHIPS_PER_COUNTY + t)
                town.append(in_town)
    return Villages(np.array(code), np.array(text), np.array(county), np.array(township), np.array(town))


def is_town(county: int, township: int) -> bool:
    """Tell whether a township is in town: sub-districts, and the seat of a county."""
    return township < 3 if COUNTIES[county].urban else township == 0
