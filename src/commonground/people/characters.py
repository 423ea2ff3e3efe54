"""Characters of names: traditional and variant forms, readings of surnames, and the sounds that people mix up.

The pairs are facts of the Chinese script (the General Standard Chinese Characters table of 2013 and its annex of
variant forms); only characters that occur in names are listed, because what is missing here still meets its other
form by sound. Readings of surnames differ from the characters' common readings (Xinhua dictionary, entries marked 姓).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

# traditional or variant form followed by the standard form
_PAIRS = (
    "謝谢張张陳陈劉刘楊杨趙赵黃黄吳吴孫孙馬马羅罗鄭郑許许韓韩馮冯鄧邓葉叶蘇苏盧卢蔣蒋賈贾閻阎閆闫鍾钟鐘钟譚谭陸陆範范韋韦鄒邹龍龙"
    "萬万錢钱湯汤賴赖龔龚嚴严賀贺顧顾侯侯邵邵孟孟喬乔龐庞樊樊蘭兰殷殷施施齊齐聶聂莊庄魯鲁歐欧倪倪關关祝祝紀纪項项餘余塗涂畢毕"
    "談谈衛卫饒饶寧宁閔闵祿禄柳柳單单華华繆缪應应盤盘藍蓝鄔邬師师連连駱骆習习費费彌弥褚褚遲迟牀床鞏巩厲厉戰战樂乐買买時时儲储"
    "國国偉伟強强麗丽紅红軍军傑杰濤涛輝辉鵬鹏飛飞鳳凤蓮莲慶庆瑩莹潔洁靜静榮荣貴贵澤泽雲云艷艳豔艳婭娅嬌娇穎颖頴颖瓊琼玲玲"
    "蘋苹聰聪銀银銘铭鈺钰鑫鑫錦锦鋒锋銳锐鋼钢鎮镇鐵铁鑄铸錫锡鎧铠鉅钜鈞钧欽钦釗钊鎔镕鈴铃針针鏡镜錚铮銓铨鍵键鏵铧鑰钥"
    "東东興兴發发業业義义緒绪維维綱纲紅红綺绮緯纬練练纓缨綿绵縵缦績绩繼继續续紹绍經经純纯紋纹絲丝綠绿緣缘織织終终編编"
    "賢贤贊赞資资賓宾賽赛贏赢賜赐貞贞員员財财質质賞赏購购賦赋誠诚詩诗語语諾诺謙谦調调讓让譽誉論论設设記记訓训試试詠咏諭谕"
    "詮诠誼谊諺谚謀谋譜谱議议護护訊讯話话說说讀读請请誌志識识證证計计許许鵑鹃鶴鹤鴻鸿鷗鸥鵝鹅鶯莺鴿鸽鳴鸣鴛鸳鴦鸯鸞鸾鷹鹰"
    "馳驰騰腾駿骏驊骅驕骄騏骐驍骁驥骥驛驿駒驹騫骞駱骆馨馨韻韵響响頌颂順顺項项領领頓顿頡颉頤颐顯显願愿顏颜類类預预須须"
    "嵐岚崗岗嶺岭嶽岳島岛峽峡嶸嵘巒峦崢峥巋岿濱滨灣湾溫温滿满漢汉潤润澗涧瀾澜瀟潇淵渊漣涟漸渐濟济濃浓測测湯汤潔洁潛潜涇泾"
    "滄沧滬沪淚泪澤泽淺浅漁渔濰潍瀅滢瀚瀚瀧泷無无煒炜燁烨燦灿爍烁煥焕熾炽燈灯燕燕炎炎熒荧營营靈灵爐炉炳炳烏乌點点熱热煙烟"
    "瑪玛瑋玮璣玑瓏珑環环現现瓊琼珮佩瑤瑶璽玺琺珐瑣琐畫画當当疇畴盡尽監监眾众睏困睜睁矯矫碩硕確确礎础禮礼禎祯禪禅禦御稱称"
    "種种積积穩稳穎颖窩窝筆笔節节範范築筑簡简籃篮類类粵粤糧粮紀纪級级給给絡络絹绢綜综緊紧線线縣县總总羣群義义習习聖圣聞闻聯联"
    "聲声職职聽听肅肃腦脑臨临興兴舉举艦舰藝艺芻刍莊庄華华萊莱葦苇蒼苍蓋盖蔭荫蕭萧薈荟薔蔷薩萨藍蓝蘆芦蘇苏蘭兰處处虛虚號号"
    "蟬蝉螢萤衛卫補补裝装製制複复襲袭覽览覺觉觀观訂订詔诏豐丰貝贝賀贺賴赖趕赶趙赵躍跃車车軒轩軟软輔辅輕轻輪轮輯辑輸输轉转"
    "農农迅迅運运過过達达違违遠远適适選选遙遥遠远邁迈還还邊边邏逻郵邮鄉乡醫医釋释裏里裡里鑒鉴鑑鉴長长門门開开閒闲間间閣阁"
    "閩闽閃闪閱阅闊阔闖闯陽阳陰阴陣阵際际陸陆隊队階阶隨随險险隱隐雋隽雙双雜杂離离難难電电霧雾霽霁靄霭靚靓韋韦頁页風风飄飘飯饭"
    "飲饮飾饰養养館馆餘余駕驾驗验鬆松魚鱼鮑鲍鮮鲜鯤鲲鯉鲤鰲鳌麥麦黨党鼎鼎齊齐齡龄龍龙龔龚兒儿億亿優优償偿儀仪價价儉俭儷俪"
    "內内兩两冊册凱凯劃划創创劍剑勁劲動动務务勛勋勳勋勝胜勞劳勢势勵励匯汇區区協协單单衛卫廳厅歷历曆历參参雙双員员問问啟启啓启"
    "喚唤喪丧嘉嘉嚮向囑嘱園园圓圆圖图團团堅坚執执報报場场塊块塵尘墻墙壯壮壽寿夢梦奧奥奪夺奮奋婦妇媽妈嫻娴孫孙學学寶宝實实"
    "寫写寬宽審审對对導导將将專专尋寻屆届屬属層层嶄崭帥帅師师帶带幫帮幹干庫库廣广廟庙張张彈弹彎弯後后徑径從从徠徕復复徵征德德"
    "恆恒悅悦惠惠愛爱態态慧慧慶庆憲宪憶忆懷怀懿懿戀恋戲戏戶户拋抛挺挺據据擁拥擇择擔担攜携攝摄敏敏數数斌斌斷断時时晉晋晝昼暉晖"
    "暢畅曉晓曄晔曠旷書书會会朧胧東东條条極极構构榮荣樓楼標标樣样樹树橋桥機机檢检權权歡欢歲岁歸归殘残毅毅氣气決决沖冲況况淨净"
    "淩凌湊凑準准減减滅灭漲涨澄澄濬浚瀏浏煉炼爭争爺爷牆墙犧牺狀状獨独獅狮獎奖獲获獻献玨珏產产異异疊叠發发皚皑皎皎盜盗睿睿"
    "喆哲堃坤昇升陞升甦苏崑昆崙仑峯峰羣群裴裴淼淼犇奔祐佑叡睿濶阔竝并併并栢柏棲栖沅沅氷冰汎泛洩泄溼湿煇辉燻熏猨猿甯宁畊耕"
    "皐皋盃杯硏研祕秘禩祀穀谷筍笋絃弦綵彩縧绦罈坛翶翱聦聪脣唇臯皋舖铺苐第荅答菓果菴庵萠萌葠参蒞莅蓆席蔴麻薑姜蘂蕊蘓苏虖乎"
)
STANDARD: dict[str, str] = {
    _PAIRS[i]: _PAIRS[i + 1] for i in range(0, len(_PAIRS) - 1, 2) if _PAIRS[i] != _PAIRS[i + 1]
}
"""Traditional or variant character → standard character."""

SURNAME_READINGS: dict[str, str] = {
    "曾": "zeng", "覃": "qin", "单": "shan", "解": "xie", "仇": "qiu", "查": "zha", "盖": "ge", "区": "ou",
    "朴": "piao", "任": "ren", "华": "hua", "尹": "yin", "纪": "ji", "缪": "miao", "乐": "yue", "翟": "zhai",
    "尉": "wei", "宓": "mi", "折": "she", "黑": "he", "秘": "bi", "冼": "xian", "繁": "po", "种": "chong",
    "召": "shao", "员": "yun", "贠": "yun", "隗": "wei", "牟": "mu", "燕": "yan", "洗": "xian", "臧": "zang",
    "阚": "kan", "郇": "xun", "郗": "xi", "佴": "nai", "逄": "pang", "芮": "rui", "宁": "ning", "应": "ying",
    "石": "shi", "沈": "shen", "贾": "jia", "葛": "ge", "柏": "bai", "车": "che", "褚": "chu", "晟": "cheng",
    "句": "gou", "勾": "gou", "过": "guo", "哈": "ha", "那": "na", "能": "nai", "适": "kuo", "洪": "hong",
    "降": "jiang", "万": "wan", "乜": "nie", "祭": "zhai", "撒": "sa", "炅": "gui", "都": "du", "郄": "qie",
    "呙": "guo", "眭": "sui", "曲": "qu", "谌": "chen", "晁": "chao", "逯": "lu", "盛": "sheng", "冯": "feng",
    "靓": "jing", "行": "xing", "重": "chong", "藏": "zang", "俞": "yu", "阙": "que", "宿": "su", "夏": "xia",
    "长孙": "zhang sun", "尉迟": "yu chi", "澹台": "tan tai", "万俟": "mo qi", "令狐": "ling hu",
    "单于": "chan yu", "宰父": "zai fu", "中行": "zhong hang", "皇甫": "huang fu", "鲜于": "xian yu",
}  # fmt: skip
"""Reading as a surname where it differs from the common one, or where dictionaries hesitate."""

COMPOUND_SURNAMES = frozenset(
    re.findall(
        "..",
        "欧阳上官司马诸葛夏侯司徒皇甫令狐尉迟长孙慕容东方公孙轩辕宇文端木澹台万俟司空南宫独孤西门呼延完颜"
        "单于宰父鲜于闻人申屠钟离濮阳淳于太叔公冶仲孙亓官司寇颛孙百里东郭微生羊舌梁丘左丘第五赫连纳兰拓跋耶律",
    )
)
"""Surnames of two characters."""

INTERPUNCTS = (
    "·•．.・‧∙⋅●﹒｡。‐-–—'’`´‘＇"
    "\u0387\u0701\u0702\u1427\u16eb\u2010\u2011\u2012\u2015\u2022\u2024\u2027\u2212\u2218\u2219\u22c5\u25cb\u25cf\u25e6\u2981"
    '\u2e31\u2e33\u30a0\u30fb\uff65\u318d\ua78f\u02d1\u02d9\u00b0\u2043\u2016^~_/\\",，|:'
)
"""What appears between the parts of a transliterated name (U+00B7 is the rule of 2016; the rest is practice)."""


SPACES = (
    " \t\r\n\v\f\x00\x1c\x1d\x1e\x1f\x85\xa0\xad\u034f\u061c\u115f\u1160\u1680\u180e\u3000\u3164\ufeff\uffa0"
    + "".join(
        map(chr, (*range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x2070), *range(0xFE00, 0xFE10)))
    )
)
"""White space, marks of direction and choice of glyph: nothing that a name is made of."""

PRIVATE_USE: dict[str, str] = {
    chr(old): chr(new) for old, new in (
        (0xE816, 0x20087), (0xE817, 0x20089), (0xE818, 0x200CC), (0xE81E, 0x9FB4), (0xE826, 0x9FB5), (0xE82B, 0x9FB6),
        (0xE82C, 0x9FB7), (0xE831, 0x215D7), (0xE832, 0x9FB8), (0xE83B, 0x2298F), (0xE843, 0x9FB9), (0xE854, 0x9FBA),
        (0xE855, 0x241FE), (0xE864, 0x9FBB),
    )
}  # fmt: skip
"""Characters that GB 18030-2000 kept in the private use area until Unicode had them, as old systems still write."""

RADICALS: dict[str, str] = dict(
    zip(
        "⺠⻋⻓⻔⻅⻢⻰⻩⻘⻄⻉⻛⻜⻥⻨⻬⻝⻦⻤⻣⻚⻙⻏⻑",
        "民车长门见马龙黄青西贝风飞鱼麦齐食鸟鬼骨页韦阝長",
        strict=True,
    )
)
"""Radicals that a print or PDF gives back instead of the characters that look the same."""


@dataclass(frozen=True)
class CharacterTable:
    """Readings and standard forms of characters, as written by ``scripts/make_characters``.

    Attributes
    ----------
    readings : dict
        Character → its readings without tone, the commonest first, three at most.
    standard : dict
        Traditional, variant, private-use or look-alike character → the standard character.
    syllables : frozenset
        Syllables that occur, as they are typed (ü is v).
    """

    readings: dict[str, tuple[str, ...]]
    standard: dict[str, str]
    syllables: frozenset[str]


@cache
def character_table() -> CharacterTable:
    """Read the table once a process."""
    readings: dict[str, tuple[str, ...]] = {}
    standard: dict[str, str] = {}
    text = resources.files("commonground.people").joinpath("characters.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        kind, first, second = line.split("\t")
        if kind == "standard":
            standard = dict(zip(first, second, strict=True))
        else:
            for character in second:
                readings[character] = (*readings.get(character, ()), first)
    standard |= STANDARD | PRIVATE_USE | RADICALS
    for character, form in list(standard.items()):  # 𫠠 → traditional → standard
        standard[character] = standard.get(form, form)
    letters = (r for found in readings.values() for r in found)
    return CharacterTable(readings, standard, frozenset(s for s in letters if len(s) > 1 or s in "aeo"))


def dialect(syllable: str) -> str:
    """Fold a pinyin syllable to what a Southwestern Mandarin speaker may not tell apart.

    n/l, zh/z, ch/c, sh/s, final -ng/-n and hu-/f- fall together.
    """
    for retroflex in ("zh", "ch", "sh"):
        if syllable.startswith(retroflex):
            syllable = retroflex[0] + syllable[2:]
    if syllable.startswith("n"):
        syllable = "l" + syllable[1:]
    if syllable.startswith("hu"):
        syllable = "f" + {"": "u", "i": "ei", "n": "en"}.get(syllable[2:], syllable[2:])
    return syllable[:-1] if syllable.endswith("ng") else syllable
