"""Characters of names: traditional and variant forms, readings of surnames, and the sounds that people mix up.

The pairs are facts of the Chinese script (the General Standard Chinese Characters table of 2013 and its annex of
variant forms); only characters that occur in names are listed, because what is missing here still meets its other
form by sound. Readings of surnames differ from the characters' common readings (Xinhua dictionary, entries marked 姓).
"""

from __future__ import annotations

import re

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
    "召": "shao", "员": "yun", "隗": "wei", "牟": "mu", "燕": "yan", "洗": "xian", "臧": "zang", "阚": "kan",
    "郇": "xun", "郗": "xi", "佴": "nai", "逄": "pang", "芮": "rui", "宁": "ning", "应": "ying", "石": "shi",
    "沈": "shen", "贾": "jia", "葛": "ge", "柏": "bai", "车": "che", "褚": "chu", "晟": "cheng", "句": "gou",
    "过": "guo", "哈": "ha", "那": "na", "能": "nai", "适": "kuo", "洪": "hong", "降": "jiang", "万": "wan",
    "长孙": "zhang sun", "尉迟": "yu chi", "澹台": "tan tai", "万俟": "mo qi", "令狐": "ling hu",
}  # fmt: skip
"""Reading as a surname where it differs from the common one, or where dictionaries hesitate."""

COMPOUND_SURNAMES = frozenset(
    re.findall("..", "欧阳上官司马诸葛夏侯司徒皇甫令狐尉迟长孙慕容东方公孙轩辕宇文端木澹台万俟司空南宫独孤西门呼延完颜")
)
"""Surnames of two characters."""

INTERPUNCTS = "·•．.・‧∙⋅●﹒｡。‐-–—'’`´"
"""What appears between the parts of a transliterated name (U+00B7 is the rule of 2016; the rest is practice)."""


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
