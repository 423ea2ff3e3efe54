"""City 3: ledgers made by hand in the townships, each in its own words. Hold-out: not for choosing synonyms."""

from __future__ import annotations

import random
from pathlib import Path

from . import words as w
from .handover import Column as C
from .handover import Handover
from .people import Child, World

COUNTIES = {
    "529981": ("云坪区", ["坝上镇", "两河乡"]),
    "529982": ("苦竹县", ["大岩镇", "茶店乡"]),
}
VILLAGES = [
    "岩脚寨村",
    "老屋基村",
    "水井湾村",
    "白泥田村",
    "野鸭塘村",
    "石板桥村",
    "梨树坪村",
    "磨盘村",
    "响水村",
    "长冲村",
]
SIGNED = ["填表人：罗永芳", "", "审核人：陆国才", "", "填报日期：2025年9月12日"]


def make(folder: Path, rng: random.Random) -> Handover:
    """Write city 3."""
    out, world = Handover(folder, "city3", rng), World(rng, COUNTIES, VILLAGES)
    _roll_one(out, world)
    _roll_two(out, world)
    _marks(out, world)
    _away_one(out, world)
    _away_two(out, world)
    _relief(out, world)
    _workers_one(out, world)
    _workers_two(out, world)
    _elders(out, world)
    _checkups(out, world)
    _schools(out, world)
    _survey(out, world)
    _pigs(out, world)
    out.finish()
    return out


def _born(world: World, p: Child) -> str:
    return w.lunar(world.rng, p.birth) if world.rng.random() < 0.25 else w.odd(world.rng, p.birth)


def _count() -> object:
    return iter(range(1, 9999))


def _roll_one(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    columns = [
        C("编号", "seq", lambda p: next(n)),
        C("娃娃姓名", "name", lambda p: p.name if len(p.name) > 2 else "  ".join(p.name)),
        C("男/女", "sex", lambda p: p.sex, codes=w.SEX),
        C("哪天生的", "birth", lambda p: _born(world, p)),
        C("身份证", "id_no", lambda p: p.id_no, missing=["没上户", "在办"], gap=0.04),
        C("读几年级", "grade", lambda p: f"{w.NUMERALS[p.grade]}年级"),
        C("家住哪里", "address", lambda p: p.village.name + r.choice(["上寨", "下寨", "学校边", "马路边"])),
        C(("家长", "姓名"), "g1_name", lambda p: p.carer.name, also="guardian_name"),
        C(("家长", "是娃娃的什么人"), "g1_relation", lambda p: "51" if p.carer.sex == "1" else "52", also="carer",
          codes={"爸爸": "51", "妈妈": "52", "爹": "51", "妈": "52"}),
        C(("家长", "电话"), "g1_phone", lambda p: p.carer.phone, missing=["无", "停机"], gap=0.08,
          also="guardian_phone"),
        C("住不住校", "boarding", lambda p: "2" if p.boarder else "1", codes={"住": "2", "不住": "1"}),
        C("备注", "", lambda p: r.choice(["", "", "", "转来", "爱生病"])),
    ]  # fmt: skip
    where = ["坝上镇", "学生花名册", "student_registry", "坝上镇小学学生花名册.xlsx", "2025秋"]
    out.sheet(where, columns, [world.child((6.3, 11.9)) for _ in range(110)],
              title=["坝上镇2025年秋季学期学生花名册", "填报单位（盖章）：坝上镇中心校"], footer=[SIGNED])  # fmt: skip


def _roll_two(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    columns = [
        C("序", "seq", lambda p: next(n)),
        C("学生", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("生日（农历）", "birth", lambda p: w.lunar(r, p.birth)),
        C("身份证号（18位）", "id_no", lambda p: p.id_no),
        C("年级班级", "class", lambda p: f"{w.NUMERALS[p.grade]}（{p.klass}）班", also="grade"),
        C("村寨", "village", lambda p: p.village.name),
        C("爸爸", "father_name", lambda p: p.father.name, also="g1_name"),
        C("电话1", "g1_phone", lambda p: p.father.phone, also="phone"),
        C("妈妈", "mother_name", lambda p: p.mother.name, also="g2_name", missing=["跑了", "/"], gap=0.06),
        C("电话2", "g2_phone", lambda p: p.mother.phone, also="phone", missing=["/"], gap=0.2),
        C("上学路程（里）", "distance_km", lambda p: round(p.km * 2, 1), unit="里"),
        C("户口（农/非）", "hukou_nature", lambda p: w.nature(p.rural), codes={"农": "rural", "非": "non_rural"}),
        C("特长", "", lambda p: r.choice(["", "唱歌", "跑步", "画画"])),
    ]  # fmt: skip
    where = ["两河乡", "学生花名册", "student_registry", "两河乡学生名单.xlsx", "Sheet1"]
    out.sheet(where, columns, [world.child() for _ in range(100)], title=["两河乡学校学生名单"], footer=[SIGNED])


def _marks(out: Handover, world: World) -> None:
    r, pupils = world.rng, [world.child((11.3, 12.1)) for _ in range(90)]
    got, total, rank = w.marks(r, pupils, (120, 100, 50))
    pupils.sort(key=lambda p: rank[p.id_no])
    rest = {"missing": ["缺", "病假"], "gap": 0.03}
    columns = [
        C("第几名", "rank", lambda p: rank[p.id_no]),
        C("考试号", "exam_no", lambda p: f"6{p.klass}{r.randrange(100, 999)}"),
        C("姓名", "name", lambda p: p.name),
        C("哪个学校", "school_short", lambda p: p.school.short, also="school_name"),
        C(("分数", "语（120分）"), "chinese", lambda p: got[p.id_no][0], unit="mark/120", **rest),
        C(("分数", "数（100分）"), "math", lambda p: got[p.id_no][1], unit="mark/100", **rest),
        C(("分数", "科学（50分）"), "", lambda p: got[p.id_no][2]),
        C(("分数", "总"), "total", lambda p: total[p.id_no]),
        C("老师评语", "", lambda p: r.choice(["", "认真", "要加油", "粗心"])),
    ]
    where = ["坝上镇", "期末成绩", "exam_scores", "坝上镇六年级期末成绩册.xlsx", "六年级"]
    out.sheet(where, columns, pupils, title=["坝上镇2025年春季学期六年级期末考试成绩册"],
              footer=[["平均分", "", "", "", *["x̄"] * 4], ["阅卷人：", "", "校长："]])  # fmt: skip


def _away_one(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    pupils = [p for p in (world.child() for _ in range(190)) if p.away != "0"]
    with_whom = {
        "爷爷奶奶": "grandparents", "爷奶": "grandparents", "外公外婆": "maternal_grandparents", "妈": "mother",
        "爹": "father", "亲戚": "relative",
    }  # fmt: skip
    columns = [
        C("序号", "seq", lambda p: next(n)),
        C("娃娃名字", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("几岁", "age", lambda p: w.age(p.birth), unit="year"),
        C("身份证号", "id_no", lambda p: p.id_no, missing=["没得"], gap=0.05),
        C("跟哪个住", "carer", lambda p: p.carer_kind, codes=with_whom),
        C("带娃人", "guardian_name", lambda p: p.carer.name),
        C("带娃人手机", "guardian_phone", lambda p: p.carer.phone, missing=["没得"], gap=0.1),
        C(
            ("爹妈打工地方", "爹"),
            "father_place",
            lambda p: w.father_out(p) and p.father.place[1][:-1],
            missing=["不晓得"],
            gap=0.05,
        ),
        C(
            ("爹妈打工地方", "妈"),
            "mother_place",
            lambda p: w.mother_out(p) and p.mother.place[1][:-1],
            missing=["不晓得"],
            gap=0.15,
        ),
        C(("哪年出去的", "爹"), "father_since", lambda p: w.month_word(w.father_out(p))),
        C(("哪年出去的", "妈"), "mother_since", lambda p: w.month_word(w.mother_out(p)), gap=0.15),
        C("出去几个", "absence_type", lambda p: w.absent(p.away), codes={"两个都出去": "both", "出去一个": "one"}),
        C("吃不吃低保", "dibao", lambda p: w.yes(p.dibao), codes={"吃": "1", "没吃": "0"}),
        C("走访记录", "", lambda p: r.choice(["", "9月走访", "电话联系"])),
    ]
    where = ["茶店乡", "留守娃娃", "left_behind_registry", "茶店乡留守娃娃台账.xlsx", "台账"]
    out.sheet(where, columns, pupils, title=["茶店乡留守娃娃台账（2025年）"], footer=[SIGNED])


def _away_two(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    pupils = [p for p in (world.child() for _ in range(170)) if p.away != "0"]
    columns = [
        C("№", "seq", lambda p: next(n)),
        C("儿童", "name", lambda p: p.name),
        C("出生", "birth", lambda p: _born(world, p)),
        C("公民身份证", "id_no", lambda p: p.id_no),
        C("村组", "village", lambda p: p.village.name, also="address"),
        C(("父亲", "姓名"), "father_name", lambda p: p.father.name),
        C(
            ("父亲", "打工去向"),
            "father_place",
            lambda p: "".join(p.father.place[:2]) if w.father_out(p) else "在家",
            missing=["在家"],
        ),
        C(("父亲", "何时外出"), "father_since", lambda p: w.month_dotted(w.father_out(p))),
        C(("母亲", "姓名"), "mother_name", lambda p: p.mother.name),
        C(
            ("母亲", "打工去向"),
            "mother_place",
            lambda p: "".join(p.mother.place[:2]) if w.mother_out(p) else "在家",
            missing=["离异", "在家"],
            gap=0.06,
        ),
        C(("母亲", "何时外出"), "mother_since", lambda p: w.month_dotted(w.mother_out(p)), gap=0.2),
        C(("监护人", "姓名"), "guardian_name", lambda p: p.carer.name),
        C(("监护人", "电话"), "guardian_phone", lambda p: p.carer.phone),
        C("管得如何", "guardianship", lambda p: p.state, codes={"好": "5", "一般": "4", "差": "3", "管不了": "2"}),
        C("备 注", "", lambda p: r.choice(["", "", "成绩差", "父母离异"])),
    ]
    where = ["大岩镇", "留守儿童", "left_behind_registry", "大岩镇留守儿童摸底表.xlsx", "摸底"]
    out.sheet(where, columns, pupils, title=["大岩镇农村留守儿童摸底情况表", "单位：人"], footer=[SIGNED])


def _relief(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    columns = [
        C("户数", "", lambda a: next(n), also="seq"),
        C("当家人", "head_name", lambda a: a.name),
        C("当家人身份证", "head_id", lambda a: a.id_no),
        C("哪个组", "", lambda a: f"{r.randrange(1, 9)}组", also="address"),
        C("吃低保人数", "persons", lambda a: r.randrange(1, 6), unit="person"),
        C("档次", "category", lambda a: r.choice(["一档", "二档", "三档"])),
        C("每月领好多（元）", "amount", lambda a: r.randrange(150, 1900), unit="yuan"),
        C("哪年开始吃", "since", lambda a: f"{a.since.year}年{a.since.month}月"),
        C("为哪样困难", "cause", lambda a: r.choice(["病", "残", "没劳力", "供娃娃读书"])),
        C("屋头还有哪些人", "members", lambda a: f"婆娘{world.adult('2').name}，儿子{a.name[0]}{world.given('1')}"),
        C("盖手印", "", lambda a: None),
    ]
    where = ["茶店乡", "低保", "dibao", "茶店乡低保户名册.xlsx", "名册"]
    out.sheet(where, columns, [world.adult("1", (35, 80)) for _ in range(70)], title=["茶店乡吃低保户名册"],
              footer=[["合计", "", "", "", "Σ", "", "Σ"], SIGNED])  # fmt: skip


def _workers_one(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    trade = {
        "修房子": "construction", "工地": "construction", "进厂": "manufacturing", "电子厂": "manufacturing",
        "饭馆": "services", "送外卖": "services", "种菜": "agriculture",
    }  # fmt: skip
    columns = [
        C("序号", "seq", lambda a: next(n)),
        C("打工人", "name", lambda a: a.name),
        C("男女", "sex", lambda a: a.sex, codes=w.SEX),
        C("年纪", "age", lambda a: w.age(a.birth), unit="year"),
        C("身份证", "id_no", lambda a: a.id_no.lower()),
        C("手机", "phone", lambda a: a.phone, missing=["不通"], gap=0.08),
        C("打工去向", "destination", lambda a: a.place[1] + a.place[2]),
        C("干哪样活路", "sector", lambda a: a.sector, codes=trade),
        C("一月挣好多（元）", "monthly_wage", lambda a: a.wage, unit="yuan", missing=["不肯说"], gap=0.1),
        C("哪时出去", "since", lambda a: f"{a.since.year}.{a.since.month}"),
        C("几时回来", "", lambda a: r.choice(["过年", "不定", "", "国庆"])),
    ]
    where = ["坝上镇", "打工", "labour_out_registry", "坝上镇外出打工登记.xlsx", "登记"]
    out.sheet(where, columns, [world.adult() for _ in range(120)], title=["坝上镇外出打工人员登记"], footer=[SIGNED])


def _workers_two(out: Handover, world: World) -> None:
    r = world.rng
    reach = {"本县": "same_county", "本市": "same_city", "省内": "same_province", "省外": "other_province"}
    columns = [
        C("务工人员", "name", lambda a: a.name),
        C("证件号", "id_no", lambda a: "'" + a.id_no),
        C("家庭地址", "address", lambda a: a.village.name, also="hukou_address"),
        C("远近", "distance", lambda a: a.reach, codes=reach),
        C("哪个省", "destination_province", lambda a: a.place[0][:2]),
        C("市县", "destination", lambda a: a.place[1]),
        C("年收入（万元）", "", lambda a: round(a.wage * 11 / 10000, 1)),
        C("出门时间", "since", lambda a: w.odd(r, a.since)),
        C("务工渠道", "", lambda a: r.choice(["自己找", "亲友带", "劳务公司"])),
    ]
    where = ["两河乡", "务工", "labour_out_registry", "两河乡务工台账.csv", ""]
    out.text(where, columns, [world.adult() for _ in range(90)], "gb18030", title=["两河乡务工台账"],
             footer=["制表：杨秀珍　　复核：黄国全"])  # fmt: skip


def _elders(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    columns = [
        C("序号", "seq", lambda a: next(n)),
        C("老人姓名", "name", lambda a: a.name),
        C("高寿", "age", lambda a: w.age(a.birth), unit="year"),
        C("身份证号码", "id_no", lambda a: a.id_no),
        C("子女电话", "", lambda a: a.phone, also="phone", missing=["无"], gap=0.1),
        C("量血压日子", "check_date", lambda a: f"{r.randrange(3, 9)}月{r.randrange(1, 29)}日", also="bp_date1"),
        C("血压（高/低）", "bp",
          lambda a: f"{r.randrange(108, 178)}{r.choice('//／')}{r.randrange(62, 102)}", unit="mmHg"),
        C("吃降压药没得", "treated", lambda a: r.choice("011"), codes={"吃": "1", "没吃": "0"}),
        C("有哪些病", "chronic", lambda a: r.choice(["高血压", "高血压、糖尿病", "无", "关节炎"])),
        C("一个人住", "lives_alone", lambda a: r.choice("0001"), codes={"√": "1", "×": "0"}),
        C("血糖", "", lambda a: round(r.uniform(4, 11), 1)),
        C("腰围（尺）", "", lambda a: round(r.uniform(2, 3.2), 1)),
        C("本人签字", "", lambda a: None),
    ]  # fmt: skip
    where = ["大岩镇", "老人体检", "adult_checkups", "大岩镇65岁以上老人体检.xlsx", "村卫生室"]
    out.sheet(where, columns, [world.adult(None, (65, 88)) for _ in range(80)], title=["大岩镇65岁以上老人体检登记表"],
              footer=[["村医：", "", "", "院长："]])  # fmt: skip


def _checkups(out: Handover, world: World) -> None:
    r, none = world.rng, {"missing": ["没来", "/"], "gap": 0.03}
    columns = [
        C("哪个班", "class", lambda p: f"{w.NUMERALS[p.grade]}{p.klass}班", also="grade"),
        C("名字", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("高矮（米）", "height", lambda p: round(p.height / 100, 2), unit="m", **none),
        C("轻重（斤）", "weight", lambda p: round(p.weight * 2), unit="jin", **none),
        C(("血压（kPa）", "高压"), "sbp", lambda p: round(p.sbp / 7.5, 1), unit="kPa", also="sbp1", **none),
        C(("血压（kPa）", "低压"), "dbp", lambda p: round(p.dbp / 7.5, 1), unit="kPa", also="dbp1", **none),
        C(("视力", "左"), "vision_left", lambda p: round(10 ** (p.vision - 5), 1), unit="decimal", **none),
        C(("视力", "右"), "vision_right", lambda p: round(10 ** (p.vision - 5), 1), unit="decimal", **none),
        C("血色素（克）", "haemoglobin", lambda p: round(p.hb / 10, 1), unit="g/dL", **none),
        C("戴眼镜没", "glasses", lambda p: w.yes(p.glasses), codes={"戴": "1", "没戴": "0"}),
        C("虫牙", "", lambda p: r.choice(["有", "无", "2颗"])),
    ]
    where = ["两河乡", "学生体检", "pupil_checkups", "两河乡学生体检登记.xlsx", "体检"]
    out.sheet(
        where, columns, [world.child() for _ in range(100)], title=["两河乡2025年春季学生体检登记"], footer=[SIGNED]
    )


def _schools(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("校名", "school_name", lambda s: s.name, also="school_short"),
        C("在哪个村", "village", lambda s: s.village.name),
        C("几个班", "classes", lambda s: s.classes),
        C(("学生（人）", "共计"), "pupils", lambda s: s.pupils, unit="pupil", also="enrolled"),
        C(("学生（人）", "女生"), "girls", lambda s: int(s.pupils * r.uniform(0.43, 0.52)), unit="pupil"),
        C(("学生（人）", "住校生"), "boarders", lambda s: int(s.pupils * r.uniform(0, 0.4)), unit="pupil"),
        C(
            ("学生（人）", "留守"),
            "left_behind_pupils",
            lambda s: int(s.pupils * r.uniform(0.1, 0.45)),
            unit="pupil",
            also="left_behind",
        ),
        C("上课老师（人）", "teachers", lambda s: s.classes * 2 + r.randrange(0, 4), unit="person"),
        C("电脑（台）", "computers", lambda s: r.randrange(0, 60)),
        C("危房（㎡）", "", lambda s: r.randrange(0, 300)),
        C("放学有人管不", "after_school", lambda s: r.choice("01"), codes={"有": "1", "没有": "0"}),
    ]
    where = ["云坪区教育组", "学校", "school_census", "学校情况表.xlsx", "表一"]
    out.sheet(where, columns, world.schools, title=["云坪区乡镇学校情况表"],
              footer=[["总计", "", *["Σ"] * 8], SIGNED])  # fmt: skip


def _survey(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    columns = [
        C("序号", "seq", lambda p: next(n)),
        C("提交答卷时间", "", lambda p: f"2025/5/{r.randrange(6, 16)} {r.randrange(9, 17)}:30:08", also="date"),
        C("所用时间", "", lambda p: f"{r.randrange(90, 700)}秒"),
        C("1、你是男生还是女生？", "sex", lambda p: p.sex, codes={"男生": "1", "女生": "2"}),
        C("2、你现在读几年级？", "grade", lambda p: w.grade_word(p.grade)),
        C("3、你在学校住吗？", "boarding", lambda p: "2" if p.boarder else "1", codes={"住": "2", "不住": "1"}),
        C("4、爸爸妈妈是不是在外面打工？", "left_behind", lambda p: p.away, also="absence_type",
          codes={"都没有": "0", "有一个在外面": "1", "两个都在外面": "2"}),
        C("5、爸妈不在家时谁照顾你？", "carer", lambda p: p.carer_kind,
          codes={"爷爷奶奶": "grandparents", "外公外婆": "maternal_grandparents", "妈妈": "mother", "爸爸": "father",
                 "爸爸妈妈": "parents", "其他亲戚": "relative"}),
        C("6、你多久和他们通一次电话？", "", lambda p: r.choice(["每天", "每周", "每月", "很少"])),
        C("7、我常常觉得孤单", "", lambda p: r.randrange(1, 6)),
        C("8、你是独生子女吗？", "only_child", lambda p: w.yes(p.only), codes=w.YES),
        C("9、从家到学校有几公里？", "distance_km", lambda p: p.km, unit="km"),
        C("总分", "", lambda p: r.randrange(10, 60), also="total"),
    ]  # fmt: skip
    out.text(
        ["共青团", "学生问卷", "", "留守学生问卷.csv", ""], columns, [world.child() for _ in range(130)], "utf-8-sig"
    )


def _pigs(out: Handover, world: World) -> None:
    r, n = world.rng, _count()
    columns = [
        C("序号", "seq", lambda a: next(n)),
        C("养殖户", "", lambda a: a.name, also="name head_name"),
        C("联系号码", "phone", lambda a: a.phone),
        C("存栏（头）", "", lambda a: r.randrange(1, 60)),
        C("能繁母猪", "", lambda a: r.randrange(0, 9)),
        C("品种", "", lambda a: r.choice(["土猪", "长白", "二元"])),
        C("耳标号", "", lambda a: f"1{a.village.county_code}{r.randrange(10**8):08d}"),
        C("防疫日期", "", lambda a: w.dotted(a.since), also="date"),
        C("体重（斤）", "", lambda a: r.randrange(80, 320)),
        C("圈舍面积（平方）", "", lambda a: r.randrange(8, 200)),
        C("备注", "", lambda a: r.choice(["", "", "已出栏"])),
    ]
    where = ["茶店乡", "生猪", "", "茶店乡生猪防疫台账.xlsx", "防疫"]
    out.sheet(where, columns, [world.adult() for _ in range(80)], title=["茶店乡生猪养殖防疫台账"], footer=[SIGNED])
