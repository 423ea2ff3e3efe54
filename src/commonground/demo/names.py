"""Names of invented people, and how clerks miswrite them.

The lists are short and our own; weights fall by rank, with 杨 first as in the south-west. Characters of given names
follow the generation: grandparents, parents and children are not called alike.
"""

from __future__ import annotations

import numpy as np

_SURNAMES = """
杨 李 王 张 陈 刘 罗 吴 周 黄 何 龙 石 田 赵 徐 谢 冯 唐 任 潘 余 彭 邓 曾
蒋 范 韦 郑 熊 袁 宋 孙 陆 高 朱 胡 林 安 吕 梁 申 毛 邹 严 姚 令狐 欧阳 莫 覃
"""
SURNAMES = _SURNAMES.split()
MALE = {
    "old": "国 建 明 德 光 文 正 富 贵 兴 福 仁 忠 安 云 昌 成 清 华 荣 学 世 廷 银 金 祥",
    "middle": "伟 强 军 勇 涛 刚 斌 辉 鹏 超 飞 林 波 杰 峰 海 平 志 建 永 德 小 红 松 亮 华 洪 江 龙 云",
    "young": "浩 宇 轩 子 俊 杰 博 文 涛 天 宏 睿 泽 晨 铭 航 嘉 鑫 志 明 昊 奕 瑞 皓 梓 恒 逸 凯 思 远 承 景 家 豪",
}
FEMALE = {
    "old": "秀 英 珍 兰 芬 芳 素 琴 桂 玉 翠 群 仙 莲 碧 先 正 光 开 淑 凤 菊 香 华 会 珠",
    "middle": "丽 艳 敏 燕 霞 静 娟 梅 玲 红 芳 琴 小 晓 春 群 英 萍 凤 莉 雪 娅 婷 蓉 慧 美 海 金 秋 云",
    "young": "雨 欣 怡 涵 梓 诗 思 语 嘉 佳 心 悦 婷 雅 琪 梦 瑶 萱 雪 晨 可 馨 宇 静 彤 依 晓 丽 娅 子 菲 若 月 颖",
}
#: Syllable groups of transliterated names, joined with the interpunct: given name · father's name.
_GIVEN_FOREIGN = "阿依古丽 帕提玛 买尔旦 努尔兰 艾力 古丽娜 木拉提 热依汗 亚森 迪丽娜尔 阿卜力孜 吐尔逊"
GIVEN_FOREIGN = _GIVEN_FOREIGN.split()
_FATHER_FOREIGN = "阿布都拉 卡德尔 司马义 吐鲁洪 玉素甫 哈斯木 依明 肉孜 塔依尔 苏莱曼 赛买提 库尔班"
FATHER_FOREIGN = _FATHER_FOREIGN.split()

#: What a clerk types instead: same sound or nearly so in the south-west.
_HOMOPHONES = """
伟玮 晓小 丽莉 娟鹃 杰洁 涛滔 辉晖 娅亚 梅媚 琪祺 萱宣 欣新 宇雨 浩皓 轩萱 怡宜 语雨 佳家 俊骏
英莹 兰蓝 华桦 芬分 明铭 志智 思诗 雪学 静净 瑞睿 泽则 航杭 鑫新 龙隆 余于 邹周 冯封 罗骆
"""
HOMOPHONES = _HOMOPHONES.split()
#: Traditional and variant forms that old registers and careful grandparents still write.
_VARIANTS = "张張 陈陳 刘劉 罗羅 吴吳 黄黃 龙龍 杨楊 赵趙 国國 华華 丽麗 军軍 云雲 兰蘭 凤鳳 静靜 语語 晓曉 强強"
VARIANTS = _VARIANTS.split()
INTERPUNCTS = ("•", ".", "", " ", "．")


def _given(rng: np.random.Generator, chars: str, n: int) -> np.ndarray:
    """Draw given names of one or two characters; a character's weight falls with its place in the list."""
    listed = np.array(chars.split())
    weight = 1 / (8 + np.arange(len(listed)))
    weight /= weight.sum()
    first = rng.choice(listed, n, p=weight)
    second = rng.choice(listed, n, p=weight)
    return np.char.add(first, np.where(rng.random(n) < 0.12, "", second))


def draw_surnames(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw ``n`` surnames."""
    weight = 1 / (6 + np.arange(len(SURNAMES)))
    return rng.choice(np.array(SURNAMES), n, p=weight / weight.sum())


def draw_names(rng: np.random.Generator, surnames: np.ndarray, male: np.ndarray, generation: str) -> np.ndarray:
    """Give a full name to each surname, by sex and generation (``old``, ``middle``, ``young``)."""
    n = len(surnames)
    given = np.where(male, _given(rng, MALE[generation], n), _given(rng, FEMALE[generation], n))
    return np.char.add(surnames, given)


def draw_foreign_names(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw ``n`` transliterated names with an interpunct."""
    return np.char.add(np.char.add(rng.choice(GIVEN_FOREIGN, n), "·"), rng.choice(FATHER_FOREIGN, n))


def _swap_one(rng: np.random.Generator, names: np.ndarray, pairs: list[str]) -> np.ndarray:
    """Replace the first listed character, by a list of pairs in random order, in each name that has one."""
    out, done = names.copy(), np.zeros(len(names), bool)
    for number in rng.permutation(len(pairs)):
        a, b = pairs[number]
        for old, new in ((a, b), (b, a)) if pairs is HOMOPHONES else ((a, b),):
            hit = np.flatnonzero(~done & (np.char.find(names, old) >= 0))
            out[hit] = [name.replace(old, new, 1) for name in names[hit].tolist()]
            done[hit] = True
    return out


def miswrite(rng: np.random.Generator, names: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Miswrite a share of names as clerks do: homophone, inner space, variant character, other interpunct.

    Returns
    -------
    names, changed : arrays
        The names as written, and whether each differs from the true one.
    """
    out = names.astype("U24")
    touched = np.flatnonzero(rng.random(len(names)) < share)
    kind = rng.choice(4, len(touched), p=[0.5, 0.2, 0.2, 0.1])
    sound, space, variant, front = (touched[kind == k] for k in range(4))
    out[sound] = _swap_one(rng, out[sound], HOMOPHONES)
    out[variant] = _swap_one(rng, out[variant], VARIANTS)
    short = space[np.char.str_len(out[space]) == 2]
    out[short] = [f"{n[0]}　{n[1]}" for n in out[short].tolist()]
    out[front] = np.char.add(" ", out[front])
    dotted = np.flatnonzero((np.char.find(out, "·") >= 0) & (rng.random(len(out)) < 0.4))
    marks = rng.choice(INTERPUNCTS, len(dotted)).tolist()
    out[dotted] = [name.replace("·", mark) for name, mark in zip(out[dotted].tolist(), marks, strict=True)]
    return out, out != names
