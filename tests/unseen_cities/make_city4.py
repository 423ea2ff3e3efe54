"""City 4: ledgers that clerks of townships and schools keep by hand, and exports of systems that offices bought."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from . import words as w
from .handover import Column as C
from .handover import Handover
from .people import TODAY, Adult, Child, World, identity

RURAL, URBAN = "529931", "529932"
COUNTIES = {
    RURAL: ("禾田县", ["青砂镇", "罗陂镇", "大垸镇", "白茅乡"]),
    URBAN: ("埗头区", ["新埗街道", "涌口街道", "莲塘街道"]),
}
VILLAGES = [
    "石桥村", "樟树村", "荷塘村", "双井村", "塘湾村", "月形村", "桃林村", "高岭村", "长冲村", "竹山村", "沙洲村",
    "永兴社区", "东风社区", "沿江社区", "水口村", "上屋村", "新民社区", "龙潭村", "黄家村", "花园社区",
]  # fmt: skip
ROADS = ["工业一路", "振兴路", "埗新路", "河堤东街", "学府路"]
HOMES = {
    "539941": "湘西省梓江市麻田县",
    "539942": "湘西省梓江市柳溪县",
    "539957": "桂东省容川市金沙县",
    "529961": "川北省嘉水市云门县",
}
SCHOOLING = {"文盲": "0", "小学": "2", "初中": "3", "高中": "4", "中专": "4", "大专": "5", "本科": "6"}
KIN = {
    "爷爷": "grandparents", "奶奶": "grandparents", "外公": "maternal_grandparents", "外婆": "maternal_grandparents",
    "父亲": "father", "母亲": "mother", "伯父": "relative", "姑姑": "relative",
}  # fmt: skip
TICK = {"√": "1"}
NEAR = {"same_county": ("本省", "本县县城"), "same_city": ("本省", "禾州市区"), "same_province": ("本省", "省城")}
JUNIOR = {7: "初一", 8: "初二", 9: "初三"}
REACH = {"县内": "same_county", "县外市内": "same_city", "市外省内": "same_province", "跨省": "other_province"}


def make(folder: Path, rng: random.Random) -> Handover:
    """Write city 4."""
    out, world = Handover(folder, "city4", rng), World(rng, COUNTIES, VILLAGES)
    hand = (_left_behind, _workers, _incomers, _marks, _villages)
    for write in (*hand, _permits, _points, _checkups, _doctors, _cases, _monthly):
        write(out, world)
    out.finish()
    return out


def _pupils(world: World, n: int, wanted: Callable[[Child], bool]) -> list[Child]:
    """Draw pupils until ``n`` are as wanted."""
    found: list[Child] = []
    while len(found) < n:
        found += [p for p in (world.child() for _ in range(40)) if wanted(p)]
    return found[:n]


def _from_elsewhere(world: World, p: Child) -> str:
    """Let a pupil's family come from elsewhere: numbers of that area; give the registered address."""
    r = world.rng
    area = r.choice(list(HOMES))
    for one in (p, p.father, p.mother):
        one.id_no = identity(r, area, one.birth, one.sex)
    p.carer, p.carer_kind = p.mother, "mother"
    return HOMES[area]


def _flat(world: World, village: str) -> str:
    r = world.rng
    return f"{village}{r.choice(ROADS)}{r.randrange(1, 180)}号{r.randrange(1, 7)}0{r.randrange(1, 6)}房"


def _left_behind(out: Handover, world: World) -> None:
    r = world.rng
    pupils = _pupils(world, 96, lambda p: p.away != "0" and p.village.county_code == RURAL)
    pupils.sort(key=lambda p: p.village.code)
    unknown = {"missing": ["不清楚", "/"], "gap": 0.07}
    columns = [
        C("村（居）委会", "village", lambda p: p.village.name),
        C("组别", "", lambda p: p.address.split(p.village.name)[1].split("组")[0] + "组"),
        C(("儿童情况", "姓名"), "name", lambda p: p.name),
        C(("儿童情况", "性别"), "sex", lambda p: p.sex, codes=w.SEX),
        C(("儿童情况", "出生年月"), "birth", lambda p: f"{p.birth.year}.{p.birth.month:02d}", also="birth_month"),
        C(("儿童情况", "身份证号"), "id_no", lambda p: p.id_no),
        C(("儿童情况", "年级"), "grade", lambda p: "一二三四五六"[p.grade - 1] if p.grade < 7 else JUNIOR[p.grade]),
        C(("父亲", "姓名"), "father_name", lambda p: p.father.name, **unknown),
        C(("父亲", "务工地"), "father_place", lambda p: w.father_out(p) and p.father.place[1]),
        C(("母亲", "姓名"), "mother_name", lambda p: p.mother.name, **unknown),
        C(("母亲", "务工地"), "mother_place", lambda p: w.mother_out(p) and p.mother.place[1]),
        C("双留、单留", "absence_type", lambda p: w.absent(p.away), codes={"双": "both", "单": "one"}),
        C(("现由谁照看", "姓名"), "guardian_name", lambda p: p.carer.name),
        C(("现由谁照看", "与儿童关系"), "carer", lambda p: p.carer_kind, codes=KIN, also="g1_relation"),
        C(("现由谁照看", "电话"), "guardian_phone", lambda p: p.carer.phone, also="phone"),
        C("低保户打√", "dibao", lambda p: "1" if p.dibao else None, codes=TICK),
        C("备注", "", lambda p: r.choice([None, None, None, "已入户", "随母返乡", "厌学", "奶奶身体不好"])),
    ]  # fmt: skip
    out.sheet(
        ["青砂镇民政所", "留守儿童", "left_behind_registry", "留守儿童花名册(7月更新).xlsx", "Sheet1"], columns, pupils,
        title=["禾田县农村留守儿童花名册", "填报单位（盖章）：              填报时间：2025年7月10日"],
        footer=[["填表人：谢芳      审核人：罗建国      联系电话：（略）"]],
    )  # fmt: skip


def _whereabouts(a: Adult) -> tuple[str, str]:
    """Say where a worker is, in agreement with how far that is."""
    return NEAR.get(a.reach, a.place[:2])


def _workers(out: Handover, world: World) -> None:
    r, home = world.rng, [v for v in world.villages if v.county_code == RURAL]
    people = [world.adult(None, (19, 59), village=r.choice(home)) for _ in range(130)]
    columns = [
        C("外出人员姓名", "name", lambda a: a.name),
        C("性别", "sex", lambda a: a.sex, codes=w.SEX),
        C("年龄（周岁）", "age", lambda a: w.age(a.birth), unit="year"),
        C("身份证号码", "id_no", lambda a: a.id_no),
        C("学历", "education", lambda a: a.education, codes=SCHOOLING),
        C("联系方式", "phone", lambda a: a.phone, missing=["无", "打不通"], gap=0.06),
        C(("去向", "省"), "destination_province", lambda a: _whereabouts(a)[0]),
        C(("去向", "市（县）"), "destination", lambda a: _whereabouts(a)[1]),
        C(("去向", "范围"), "distance", lambda a: a.reach, codes=REACH),
        C("从事行业", "sector", lambda a: a.sector,
          codes={"建筑": "construction", "进厂": "manufacturing", "餐饮服务": "services", "种养": "agriculture"}),
        C("月均工资（元）", "monthly_wage", lambda a: a.wage, unit="yuan", missing=["保密"], gap=0.08),
        C("何时外出", "since", lambda a: w.odd(r, a.since)),
        C("今年累计务工（月）", "", lambda a: min(8, w.months_since(a.since))),
        C("脱贫户、监测户", "", lambda a: r.choice([None, None, None, "脱贫户", "监测户"])),
        C("交通补贴申领", "", lambda a: r.choice(["已申领", "未申领", "不符合"])),
    ]  # fmt: skip
    out.sheet(
        ["罗陂镇劳保站", "外出务工", "labour_out_registry", "2025年外出务工人员情况统计表.xlsx", "汇总"], columns,
        people,
        title=["2025年罗陂镇外出务工人员情况统计表"],
        footer=[["单位负责人：", "", "", "经办人：周敏", "", "报出日期：2025.8.28"]],
    )  # fmt: skip


def _incomers(out: Handover, world: World) -> None:
    r = world.rng
    pupils = _pupils(world, 88, lambda p: p.school.village.county_code == URBAN and p.grade < 7)
    pupils.sort(key=lambda p: (p.grade, p.klass))
    homes = {id(p): _from_elsewhere(world, p) for p in pupils}
    came = {id(p): TODAY - timedelta(days=r.randrange(200, 1900)) for p in pupils}
    columns = [
        C("班别", "class", lambda p: f"{p.grade}{p.klass:02d}班"),
        C("学生", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("身份证", "id_no", lambda p: p.id_no),
        C("户籍地（省市县）", "hukou_address", lambda p: homes[id(p)], also="hukou_area"),
        C("农业、非农", "hukou_nature", lambda p: w.nature(p.rural), codes={"农": "rural", "非农": "non_rural"}),
        C("现住址", "address", lambda p: _flat(world, p.school.village.name)),
        C("哪年哪月来本区", "arrived", lambda p: f"{came[id(p)].year}年{came[id(p)].month}月"),
        C("父亲", "father_name", lambda p: p.father.name, also="g1_name"),
        C("父亲手机", "g1_phone", lambda p: p.father.phone, also="phone guardian_phone", missing=["—"], gap=0.09),
        C("母亲", "mother_name", lambda p: p.mother.name, also="g2_name"),
        C("父或母持居住证", "", lambda p: r.choice(["有", "有", "办理中", "无"])),
        C("原就读学校", "", lambda p: r.choice([homes[id(p)][-3:] + "城关小学", "本校", "本校"])),
        C("乘校车", "", lambda p: "是" if p.km > 4 else "否"),
    ]  # fmt: skip
    out.sheet(
        ["涌口街道中心小学", "随迁子女", "student_registry", "随迁子女摸底表（各班汇总）.xlsx", "随迁子女"], columns,
        pupils,
        title=["2025年秋季外来务工人员随迁子女摸底表"],
        footer=[["班主任签名：", "", "", "", "教务处：何玲"]],
    )  # fmt: skip


def _marks(out: Handover, world: World) -> None:
    r, pupils = world.rng, [world.child((13.3, 14.1)) for _ in range(112)]
    pupils.sort(key=lambda p: p.klass)
    away = {p.id_no for p in r.sample(pupils, 4)}
    mark, total, rank = w.marks(r, [p for p in pupils if p.id_no not in away], (120, 120, 120, 100, 60))

    def got(i: int) -> Callable[[Child], Any]:
        return lambda p: "缺" if p.id_no in away else mark[p.id_no][i]

    seats = {id(p): i + 1 for i, p in enumerate(pupils)}
    of = {"unit": "mark/120", "missing": ["缺"]}
    mates = {k: sorted(rank[p.id_no] for p in pupils if p.klass == k and p.id_no in rank) for k in range(1, 5)}
    columns = [
        C("考试号", "exam_no", lambda p: f"2508{p.klass:02d}{seats[id(p)]:03d}"),
        C("班", "class", lambda p: p.klass),
        C("姓名", "name", lambda p: p.name),
        C(("语文", "120分"), "chinese", got(0), **of),
        C(("数学", "120分"), "math", got(1), **of),
        C(("英语", "120分"), "english", got(2), **of),
        C(("物理", "100分"), "", got(3), missing=["缺"]),
        C(("道法", "60分"), "", got(4), missing=["缺"]),
        C("总分", "total", lambda p: total.get(p.id_no, "缺"), missing=["缺"]),
        C("班名", "", lambda p: mates[p.klass].index(rank[p.id_no]) + 1 if p.id_no in rank else None, also="rank"),
        C("段名", "rank", lambda p: rank.get(p.id_no)),
    ]  # fmt: skip
    means = ["平均分", "", "", "x̄", "x̄", "x̄", "x̄", "x̄", "x̄"]
    out.sheet(
        ["大垸中学", "期中成绩", "exam_scores", "八年级期中考试成绩册.xlsx", "八年级"], columns, pupils,
        title=["大垸中学2025年上学期八年级期中考试成绩册"], footer=[means, ["登分人：邓丽", "", "", "校对："]],
    )  # fmt: skip


def _villages(out: Handover, world: World) -> None:
    r = world.rng
    people = {v.code: r.randrange(900, 4200) for v in world.villages}
    there = {v.code: r.uniform(0.45, 0.8) if v.county_code == RURAL else r.uniform(1.1, 2.4) for v in world.villages}
    columns = [
        C("序号", "seq", lambda v: world.villages.index(v) + 1),
        C("乡镇（街道）", "township", lambda v: v.township),
        C("村、社区", "village", lambda v: v.name),
        C("12位区划码", "village_code", lambda v: v.code),
        C("城乡属性", "urban_class",
          lambda v: "111" if v.county_code == URBAN else "121" if "社区" in v.name else "220",
          codes={"城区": "111", "镇区": "121", "农村": "220"}),
        C(("人口（人）", "户籍"), "", lambda v: people[v.code]),
        C(("人口（人）", "常住"), "residents", lambda v: int(people[v.code] * there[v.code]), unit="person"),
        C("总户数", "", lambda v: people[v.code] * 10 // 34),
        C("耕地（亩）", "", lambda v: r.randrange(300, 4200) if v.county_code == RURAL else "—", missing=["—"]),
        C("距镇政府（公里）", "", lambda v: round(r.uniform(0.3, 16), 1)),
        C("支书", "", lambda v: world.adult("1", village=v).name, also="name"),
    ]  # fmt: skip
    total = ["合计", "", "", "", "", "Σ", "Σ", "Σ", "Σ"]
    out.sheet(
        ["党政办", "村居", "villages", "村（居）基本信息一览表.xlsx", "一览表"], columns, world.villages,
        title=["村（居）基本信息一览表（2024年末）"], footer=[total],
    )  # fmt: skip


def _permits(out: Handover, world: World) -> None:
    r, here = world.rng, [v for v in world.villages if v.county_code == URBAN]
    people = [world.adult(None, (17, 56), village=r.choice(here)) for _ in range(140)]
    for a in people:
        a.id_no = identity(r, r.choice(list(HOMES)), a.birth, a.sex)
    asked = {id(a): TODAY - timedelta(days=r.randrange(20, 240)) for a in people}
    making = {id(a) for a in r.sample(people, 11)}
    stay = {id(a): 6 + r.randrange(0, 70) for a in people}
    columns = [
        C("受理流水", "", lambda a: f"SL{w.eight(asked[id(a)])}{r.randrange(1000):04d}"),
        C("证号", "permit_no", missing=["制证中"],
          value=lambda a: "制证中" if id(a) in making else f"JZ{URBAN}{r.randrange(10**8):08d}"),
        C("申请人姓名", "name", lambda a: a.name),
        C("证件号", "id_no", lambda a: "'" + a.id_no),
        C("户籍省市县", "hukou_address", lambda a: HOMES[a.id_no[:6]], also="hukou_area"),
        C("户口类型", "hukou_nature", lambda a: r.choice(["rural", "rural", "non_rural"]), codes=w.RURAL_SECOND),
        C("居住社区", "village", lambda a: a.village.name),
        C("详细居住地址", "address", lambda a: _flat(world, a.village.name)),
        C("房屋类别", "dwelling", lambda a: r.choice("122223"), codes={"自购": "1", "出租屋": "2", "集体宿舍": "3"}),
        C("房东", "", lambda a: world.adult().name, missing=["/"], gap=0.1),
        C("入住日期", "arrived", lambda a: f"{asked[id(a)] - timedelta(days=30 * stay[id(a)]):%Y/%m/%d}"),
        C("居住满（月）", "months", lambda a: stay[id(a)], unit="month"),
        C("参保月数", "insurance_months", lambda a: r.randrange(0, stay[id(a)]), unit="month"),
        C("劳动合同", "contract", lambda a: r.choice("011"), codes={"已签": "1", "未签": "0"}),
        C("受理日期", "", lambda a: f"{asked[id(a)]:%Y/%m/%d}", also="date"),
        C("制证日期", "issued", lambda a: None if id(a) in making
          else f"{asked[id(a)] + timedelta(days=r.randrange(5, 15)):%Y/%m/%d}"),
    ]  # fmt: skip
    out.text(
        ["涌口街道流管办", "居住证受理", "residence_permits", "居住证受理台账导出_202508.csv", ""], columns, people,
        "gb18030",
        title=["居住证受理台账", "导出时间：2025-08-31 17:42:10"],
    )  # fmt: skip


def _points(out: Handover, world: World) -> None:
    r = world.rng
    pupils = _pupils(world, 76, lambda p: p.school.village.county_code == URBAN and p.grade in (1, 7))
    for p in pupils:
        _from_elsewhere(world, p)
    asks = {id(p): r.choice([p.father, p.mother]) for p in pupils}
    score = {id(p): (r.randrange(20, 60), r.randrange(0, 48), r.randrange(0, 30)) for p in pupils}
    order = sorted((sum(x) for x in score.values()), reverse=True)
    columns = [
        C("报名号", "", lambda p: f"JF2025{r.randrange(10**5):05d}"),
        C("适龄儿童姓名", "name", lambda p: p.name),
        C("儿童性别", "sex", lambda p: p.sex, codes={"1-男": "1", "2-女": "2"}),
        C("儿童证件号码", "id_no", lambda p: p.id_no),
        C("儿童生日", "birth", lambda p: f"{p.birth:%Y-%m-%d}"),
        C("申请学段", "", lambda p: "小一" if p.grade == 1 else "初一", also="grade school_level"),
        C("申请人", "g1_name", lambda p: asks[id(p)].name, also="guardian_name"),
        C("申请人系儿童的", "g1_relation", lambda p: "5" + asks[id(p)].sex, also="carer",
          codes={"父": "51", "母": "52"}),
        C("申请人证件号码", "g1_id", lambda p: asks[id(p)].id_no),
        C("社保累计（月）", "insurance_months", lambda p: score[id(p)][1] * 2, unit="month"),
        C("社保得分", "", lambda p: score[id(p)][1]),
        C("积分合计", "", lambda p: sum(score[id(p)])),
        C("积分名次", "", lambda p: order.index(sum(score[id(p)])) + 1, also="rank"),
        C("拟录取学校", "school_name", lambda p: p.school.name, also="school_short", missing=["统筹"], gap=0.1),
    ]  # fmt: skip
    out.text(["莲塘街道教育办", "积分入学", "", "积分入学申请汇总.csv", ""], columns, pupils, "utf-8-sig")


def _sight(v: float) -> float:
    """Tell five-point sight as the decimal chart has it."""
    return {1.3: 1.2, 1.6: 1.5}.get(seen := round(10 ** (v - 5), 1), seen)


def _checkups(out: Handover, world: World) -> None:
    r, none = world.rng, {"missing": ["-", "未查"], "gap": 0.05}
    pupils = _pupils(world, 150, lambda p: p.school.village.county_code == URBAN)
    columns = [
        C("条码号", "check_no", lambda p: f"12{r.randrange(10**8):08d}"),
        C("受检者", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes={"1": "1", "0": "2"}),
        C("出生日期", "birth", lambda p: f"{p.birth:%Y/%m/%d}"),
        C("学籍号", "student_no", lambda p: "G" + p.id_no),
        C("身高[cm]", "height", lambda p: p.height, unit="cm", **none),
        C("体重[市斤]", "weight", lambda p: round(p.weight * 2, 1), unit="jin", **none),
        C("血压[mmHg]", "bp", lambda p: f"{p.sbp}/{p.dbp}", unit="mmHg", **none),
        C("裸眼视力L", "vision_left", lambda p: _sight(p.vision), unit="decimal", **none),
        C("裸眼视力R", "vision_right", lambda p: _sight(p.vision + r.choice([-0.1, 0, 0.1])), unit="decimal", **none),
        C("戴镜", "glasses", lambda p: w.yes(p.glasses), codes={"+": "1", "-": "0"}),
        C("HGB[g/L]", "haemoglobin", lambda p: p.hb, unit="g/L", **none),
        C("龋失补", "", lambda p: r.choice([0, 0, 0, 1, 2, 3])),
        C("体检日", "check_date", lambda p: f"25/{r.choice([10, 11])}/{r.randrange(1, 29)}"),
        C("总检医师", "", lambda p: r.choice(["曾志强", "林秀英"])),
    ]  # fmt: skip
    out.sheet(
        ["新埗街道社区卫生服务中心", "校园体检", "pupil_checkups", "校园体检_导出.xlsx", "体检明细"], columns, pupils
    )


def _doctors(out: Handover, world: World) -> None:
    r, here = world.rng, [v for v in world.villages if v.county_code == URBAN]
    people = [world.adult(None, (52, 86), village=r.choice(here)) for _ in range(105)]
    ill = {id(a): r.choice(["高血压", "高血压", "糖尿病", "高血压,糖尿病"]) for a in people}
    columns = [
        C("居民姓名", "name", lambda a: a.name),
        C("性别", "sex", lambda a: a.sex, codes={"男性": "1", "女性": "2"}),
        C("年龄", "age", lambda a: f"{w.age(a.birth)}岁", unit="year"),
        C("居民身份证号", "id_no", lambda a: a.id_no),
        C("签约团队", "", lambda a: f"{a.village.township[:2]}第{r.randrange(1, 5)}团队"),
        C("慢病种类", "chronic", lambda a: ill[id(a)]),
        C("随访时间", "check_date", lambda a: f"2025{r.randrange(1, 9):02d}{r.randrange(1, 29):02d}", also="date"),
        C("本年第几次随访", "visit", lambda a: r.randrange(1, 5)),
        C("收缩压", "sbp", lambda a: int(r.gauss(138, 14)), unit="mmHg", also="sbp1", missing=["拒测"], gap=0.08),
        C("舒张压", "dbp", lambda a: int(r.gauss(83, 8)), unit="mmHg", also="dbp1", missing=["拒测"], gap=0.08),
        C("空腹血糖", "", lambda a: round(r.gauss(6.4, 1.2), 1)),
        C("降压药服用", "treated", lambda a: w.yes("高血压" in ill[id(a)] and r.random() < 0.9),
          codes={"规律": "1", "间断": "1", "未服": "0"}),
        C("独居老人", "lives_alone", lambda a: r.choice("0001"), codes={"1": "1", "2": "0"}),
    ]  # fmt: skip
    out.text(
        ["新埗街道社区卫生服务中心", "签约随访", "adult_checkups", "家医签约随访.txt", ""],
        columns,
        people,
        "gb18030",
        "\t",
    )


def _cases(out: Handover, world: World) -> None:
    r, pupils = world.rng, _pupils(world, 64, lambda p: p.school.village.county_code == URBAN)
    columns = [
        C("个案号", "", lambda p: f"GA25-{r.randrange(1, 400):03d}"),
        C("案主", "name", lambda p: p.name),
        C("就读学校", "school_short", lambda p: p.school.short, also="school_name"),
        C("家长电话", "phone", lambda p: p.carer.phone, also="guardian_phone g1_phone"),
        C("所属项目", "programme", lambda p: r.choice(["青苗计划", "四点半课堂", "亲子同行"]), also="service"),
        C("开展日期", "date", lambda p: w.odd(r, TODAY - timedelta(days=r.randrange(10, 240)))),
        C("服务节数", "sessions", lambda p: r.randrange(1, 13)),
        C("每节时长（小时）", "hours", lambda p: r.choice([0.5, 1, 1, 1.5, 2]), unit="hour"),
        C("个案分级", "", lambda p: r.choice(["一般", "重点", "紧急"])),
        C("负责社工", "", lambda p: r.choice(["叶子晴", "吴俊", "彭敏"])),
    ]  # fmt: skip
    out.sheet(
        ["新埗社工站", "个案服务", "service_records", "个案服务登记表.xlsx", "个案"], columns, pupils,
        title=["新埗街道社工服务站个案服务登记表"], footer=[["站长（签字）：", "", "", "", "督导："]],
    )  # fmt: skip


def _monthly(out: Handover, world: World) -> None:
    r, head = world.rng, {"unit": "pupil"}
    gone = {s.code: r.randrange(0, 6) for s in world.schools}
    columns = [
        C("学校名称", "school_name", lambda s: s.name, also="school_short"),
        C("国标码", "school_code", lambda s: s.code),
        C("班数", "classes", lambda s: s.classes),
        C(("学生数（人）", "月末在校"), "pupils", lambda s: s.pupils, also="enrolled", **head),
        C(("学生数（人）", "女生"), "girls", lambda s: int(s.pupils * r.uniform(0.44, 0.51)), **head),
        C(("学生数（人）", "住校"), "boarders", lambda s: int(s.pupils * r.uniform(0, 0.35)), **head),
        C(("学生数（人）", "留守"), "left_behind_pupils",
          lambda s: int(s.pupils * (r.uniform(0.15, 0.5) if s.village.county_code == RURAL else 0.02)),
          also="left_behind", **head),
        C(("学生数（人）", "外来"), "migrant",
          lambda s: int(s.pupils * (r.uniform(0.2, 0.6) if s.village.county_code == URBAN else 0.01)), **head),
        C("班均人数", "class_size", lambda s: round(s.pupils / s.classes, 1), unit="pupil"),
        C("专任教师（人）", "teachers", lambda s: s.classes * 2 + r.randrange(0, 4), unit="person"),
        C("本月转出（人）", "", lambda s: gone[s.code]),
        C("课后服务开展", "after_school", lambda s: r.choice("0111"), codes={"开展": "1", "未开展": "0"}),
        C("食堂经营方式", "", lambda s: r.choice(["自营", "托管", "配餐"])),
    ]  # fmt: skip
    total = ["合计", "", *["Σ"] * 6, "", "Σ", "Σ"]
    out.sheet(
        ["区县教育局", "学校月报", "school_census", "学校基本情况月报表（2025年6月）.xlsx", "月报"], columns,
        world.schools,
        title=["学校基本情况月报表", "2025年6月"], footer=[total, ["填报人：", "", "负责人："]],
    )  # fmt: skip
