"""City 1: exports of the national systems, with the headers these systems write."""

from __future__ import annotations

import random
from pathlib import Path

from . import words as w
from .handover import Column as C
from .handover import Handover
from .people import ETHNIC, World, identity, phone

COUNTIES = {
    "539901": ("滨澜区", ["东渡街道", "柳湾镇"]),
    "539902": ("乌石区", ["石门街道", "红枫镇"]),
    "539903": ("长塘县", ["长塘镇", "桐木乡"]),
}
VILLAGES = ["上寨村", "田坝村", "枫香村", "大井村", "新桥社区", "油榨村", "三合村", "凉水村", "金竹村", "河口社区"]
OUTSIDE = ["洛口县东岳镇柏木村", "花坪县麻溪乡竹山村", "清江县白沙镇渡口村"]
CARER = {
    "祖父母": "grandparents", "外祖父母": "maternal_grandparents", "父亲": "father", "母亲": "mother",
    "其他亲属": "relative",
}  # fmt: skip


def make(folder: Path, rng: random.Random) -> Handover:
    """Write city 1."""
    out, world = Handover(folder, "city1", rng), World(rng, COUNTIES, VILLAGES)
    _registry(out, world)
    _marks(out, world)
    _left_behind(out, world)
    _relief(out, world)
    _population(out, world)
    _permits(out, world)
    _checkups(out, world)
    _schools(out, world)
    _villages(out, world)
    _vehicles(out, world)
    out.finish()
    return out


def _registry(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("学籍主号", "student_no", lambda p: "G" + p.id_no),
        C("学籍辅号", "", lambda p: f"{p.school.code[4:]}{p.grade}{p.klass}{r.randrange(1, 60):03d}"),
        C("学生姓名", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("出生年月日", "birth", lambda p: w.eight(p.birth)),
        C("身份证件类型", "id_type", lambda p: "1", codes={"居民身份证": "1"}),
        C("证件号码", "id_no", lambda p: p.id_no),
        C("出生地行政区划代码", "birth_area", lambda p: p.village.county_code + "000000"),
        C("籍贯", "", lambda p: p.village.county),
        C("民族名称", "ethnicity", lambda p: p.ethnicity, codes=ETHNIC),
        C("国籍/地区", "", lambda p: "中国"),
        C("政治面貌", "", lambda p: "少先队员" if p.grade < 8 else "共青团员"),
        C("健康状况", "", lambda p: r.choice(["健康或良好"] * 9 + ["有慢性病"])),
        C("户口类别", "hukou_nature", lambda p: w.nature(p.rural),
          codes={"农业户口": "rural", "非农业户口": "non_rural"}),
        C("户口所在地行政区划", "hukou_area", lambda p: p.village.county_code),
        C("所在学校标识码", "school_code", lambda p: p.school.code),
        C("就读学校", "school_name", lambda p: p.school.name, also="school_short"),
        C("年级名称", "grade", lambda p: w.grade_word(p.grade)),
        C("班级名称", "class", lambda p: f"{w.grade_word(p.grade)}（{p.klass}）班"),
        C("入学时间", "entry_month", lambda p: f"{2026 - (p.grade if p.grade < 7 else p.grade - 6)}-09"),
        C("是否寄宿生", "boarding", lambda p: "2" if p.boarder else "1", codes={"是": "2", "否": "1"}),
        C("家庭住址", "address", lambda p: p.address),
        C("是否留守", "left_behind", lambda p: p.away,
          codes={"非留守儿童": "0", "单亲留守儿童": "1", "双亲留守儿童": "2"}),
        C("随迁子女标志", "migrant_worker_child", lambda p: w.yes(p.migrant), codes=w.YES),
        C("是否烈士或优抚子女", "", lambda p: "否"),
        C("是否需要乘坐校车", "", lambda p: "是" if p.km > 5 else "否"),
        C("家庭成员1姓名", "g1_name", lambda p: p.father.name, also="father_name"),
        C("家庭成员1与本人关系", "g1_relation", lambda p: "51", codes={"父亲": "51"}),
        C("家庭成员1手机", "g1_phone", lambda p: p.father.phone, gap=0.05),
        C("家庭成员2姓名", "g2_name", lambda p: p.mother.name, also="mother_name"),
        C("家庭成员2与本人关系", "g2_relation", lambda p: "52", codes={"母亲": "52"}),
        C("家庭成员2手机", "g2_phone", lambda p: p.mother.phone, gap=0.1),
    ]  # fmt: skip
    where = ["教育局", "学籍", "student_registry", "学籍信息导出_20250915.xlsx", "学生基本信息"]
    out.sheet(where, columns, [world.child() for _ in range(220)])


def _marks(out: Handover, world: World) -> None:
    r, pupils = world.rng, [world.child((13.3, 14.1)) for _ in range(180)]
    mark, total, rank = w.marks(r, pupils, (120, 120, 120, 90, 60))
    rest = {"missing": ["缺考", "违纪"], "gap": 0.02, "unit": "mark/120"}
    columns = [
        C("准考证号", "exam_no", lambda p: f"25{p.school.code[-3:]}{p.klass:02d}{r.randrange(1, 9999):04d}"),
        C("考生姓名", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("所属学校", "school_name", lambda p: p.school.name, also="school_short"),
        C("班别", "class", lambda p: f"八({p.klass})班"),
        C("语文(满分120)", "chinese", lambda p: mark[p.id_no][0], **rest),
        C("数学(满分120)", "math", lambda p: mark[p.id_no][1], **rest),
        C("外语", "english", lambda p: mark[p.id_no][2], **rest),
        C("物理", "", lambda p: mark[p.id_no][3]),
        C("道德与法治", "", lambda p: mark[p.id_no][4]),
        C("总成绩", "total", lambda p: total[p.id_no]),
        C("区排名", "rank", lambda p: rank[p.id_no]),
        C("等级", "", lambda p: "ABCD"[min(3, rank[p.id_no] // 45)]),
    ]
    out.text(["教育局", "成绩", "exam_scores", "2025年八年级期末质量监测.csv", ""], columns, pupils, "utf-8-sig")


def _left_behind(out: Handover, world: World) -> None:
    r, pupils = world.rng, [p for p in (world.child() for _ in range(260)) if p.away != "0"]
    columns = [
        C("儿童姓名", "name", lambda p: p.name),
        C("儿童性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("儿童身份证号码", "id_no", lambda p: p.id_no),
        C("户籍详细地址", "hukou_address", lambda p: p.address),
        C("所在村（居）", "village", lambda p: p.village.name),
        C("就学情况", "", lambda p: "小学在读" if p.grade < 7 else "初中在读"),
        C("身体状况", "", lambda p: r.choice(["健康"] * 12 + ["残疾", "患病"])),
        C("留守类型", "absence_type", lambda p: w.absent(p.away),
          codes={"父母双方外出务工": "both", "一方外出务工另一方无监护能力": "one"}),
        C("父亲姓名", "father_name", lambda p: p.father.name),
        C("父亲身份证件号码", "father_id", lambda p: p.father.id_no, missing=["不详"], gap=0.05),
        C("父亲务工地址", "father_place", lambda p: w.father_out(p) and "".join(p.father.place[:2])),
        C("父亲外出务工起始时间", "father_since", lambda p: w.father_out(p) and f"{p.father.since:%Y-%m}"),
        C("母亲姓名", "mother_name", lambda p: p.mother.name, missing=["不详"], gap=0.04),
        C("母亲务工地址", "mother_place", lambda p: w.mother_out(p) and "".join(p.mother.place[:2]),
          missing=["不详"], gap=0.1),
        C("母亲外出务工起始时间", "mother_since", lambda p: w.mother_out(p) and f"{p.mother.since:%Y-%m}", gap=0.1),
        C("受委托监护人姓名", "guardian_name", lambda p: p.carer.name),
        C("受委托监护人与儿童关系", "carer", lambda p: p.carer_kind, codes=CARER, also="g1_relation"),
        C("受委托监护人联系方式", "guardian_phone", lambda p: p.carer.phone),
        C("监护能力评估", "guardianship", lambda p: p.state,
          codes={"一方无监护能力": "2", "监护能力不足": "3", "监护能力一般": "4", "监护能力较好": "5"}),
        C("是否享受低保", "dibao", lambda p: w.yes(p.dibao), codes=w.YES),
        C("村级儿童主任", "", lambda p: r.choice(["吴德珍", "石成贵", "龙明秀"])),
    ]  # fmt: skip
    where = ["民政局", "留守儿童", "left_behind_registry", "农村留守儿童信息系统导出.xlsx", "Sheet1"]
    out.sheet(where, columns, pupils)


def _relief(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("救助证号", "", lambda a: f"DB{a.village.county_code}{r.randrange(10**6):06d}"),
        C("申请人姓名", "head_name", lambda a: a.name),
        C("申请人身份证号码", "head_id", lambda a: a.id_no),
        C("常住地址", "address", lambda a: a.address),
        C("共同生活家庭成员", "members",
          lambda a: f"{a.name[0]}{world.given('2')}（配偶）、{a.name[0]}{world.given('1')}（子）"),
        C("享受人数", "persons", lambda a: r.randrange(1, 6)),
        C("救助类别", "category", lambda a: r.choice(["农村低保A类", "农村低保B类", "农村低保C类", "城市低保"])),
        C("家庭月总收入(元)", "", lambda a: r.randrange(300, 2600)),
        C("家庭月人均收入(元)", "income", lambda a: r.randrange(90, 600), unit="yuan"),
        C("月救助金额(元)", "amount", lambda a: r.randrange(150, 1900), unit="yuan"),
        C("救助开始年月", "since", lambda a: f"{a.since:%Y%m}"),
        C("主要致困原因", "cause", lambda a: r.choice(["因病", "因残", "缺劳动力", "因学", "自身发展动力不足"])),
        C("银行账号", "", lambda a: f"62{r.randrange(10**16):016d}"),
        C("联系手机", "phone", lambda a: a.phone, missing=["无"], gap=0.08, also="guardian_phone"),
    ]  # fmt: skip
    people = [world.adult(None, (30, 80)) for _ in range(120)]
    out.text(["民政局", "社会救助", "dibao", "社会救助对象明细.csv", ""], columns, people, "gb18030")


def _population(out: Handover, world: World) -> None:
    r, people = world.rng, [a for _ in range(70) for a in world.household()]
    columns = [
        C("户编号", "household_no", lambda a: a.household_no),
        C("户类型", "household_type", lambda a: r.choice("1112"), codes={"家庭户": "1", "集体户": "2"}),
        C("与户主关系代码", "relation", lambda a: a.relation,
          codes={x: x for x in ["02", "10", "20", "30", "52"]}),
        C("公民姓名", "name", lambda a: a.name),
        C("曾用名", "", lambda a: None),
        C("性别代码", "sex", lambda a: a.sex, codes=w.SEX_CODE, missing=["0"], gap=0.01),
        C("民族代码", "ethnicity", lambda a: a.ethnicity, codes=w.ETHNIC_CODE),
        C("出生日期", "birth", lambda a: w.eight(a.birth)),
        C("公民身份号码", "id_no", lambda a: a.id_no),
        C("出生地省市县（区）", "birth_area", lambda a: a.village.county_code),
        C("户口性质代码", "hukou_nature", lambda a: r.choice(["rural", "rural", "non_rural"]), codes=w.RURAL_SECOND,
          missing=["9"], gap=0.03),
        C("学历代码", "education", lambda a: a.education if a.education in "02356" else "4",
          codes={"20": "6", "30": "5", "60": "4", "70": "3", "80": "2", "90": "0"}),
        C("婚姻状况代码", "", lambda a: r.choice(["10", "20", "30", "40"])),
        C("兵役状况", "", lambda a: "未服兵役"),
        C("血型", "", lambda a: r.choice(["A", "B", "O", "AB", "不明"])),
        C("户主公民身份号码", "head_id", lambda a: a.head_id),
        C("户籍门牌详址", "hukou_address", lambda a: a.address, also="address"),
        C("居（村）委会代码", "village_code", lambda a: a.village.code),
        C("迁入日期", "moved_in", lambda a: w.eight(a.since), missing=["00000000"], gap=0.5),
        C("所属派出所", "", lambda a: a.village.township[:-1] + "派出所"),
    ]  # fmt: skip
    where = ["公安局", "常住人口", "household_register", "常住人口信息导出.txt", ""]
    out.text(where, columns, people, "gb18030", separator="|")


def _permits(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("居住证号码", "permit_no", lambda a: f"JZ{a.village.county_code}{r.randrange(10**8):08d}"),
        C("申领人姓名", "name", lambda a: a.name),
        C("公民身份号码", "id_no", lambda a: a.id_no),
        C("户籍地行政区划代码", "hukou_area", lambda a: a.id_no[:6]),
        C("户籍地详址", "hukou_address", lambda a: f"{r.choice(OUTSIDE)}{r.randrange(1, 9)}组"),
        C("户口类型", "hukou_nature", lambda a: r.choice(["rural", "rural", "non_rural"]),
          codes={"农业家庭户口": "rural", "非农业家庭户口": "non_rural"}),
        C("现居住地详址", "address", lambda a: a.address),
        C("来本市日期", "arrived", lambda a: a.since),
        C("居住事由", "reason_away", lambda a: r.choice("111345"),
          codes={"务工": "1", "经商": "1", "就学": "3", "随迁": "4", "投靠亲友": "5"}),
        C("住房类型", "dwelling", lambda a: r.choice("122234"),
          codes={"自购房": "1", "租赁房屋": "2", "单位内部宿舍": "3", "寄宿亲友家": "4"}),
        C("首次签发日期", "issued", lambda a: a.since),
        C("有效期限截止", "", lambda a: a.since.replace(year=2026, day=1)),
        C("签发机关", "", lambda a: "滨澜市公安局" + a.village.county[:-1] + "分局"),
        C("是否签订劳动合同", "contract", lambda a: r.choice("011"), codes=w.YES),
        C("社会保险参保月数", "insurance_months", lambda a: r.randrange(0, 90), unit="month"),
        C("手机号码", "phone", lambda a: a.phone),
    ]  # fmt: skip
    where = ["公安局", "居住证", "residence_permits", "流动人口居住证台账.xlsx", "居住证"]
    people = [world.adult(None, (16, 60)) for _ in range(120)]
    for a in people:
        a.id_no = identity(r, r.choice(["529971", "529972", "539981"]), a.birth, a.sex)
    out.sheet(where, columns, people)


def _checkups(out: Handover, world: World) -> None:
    r, none = world.rng, {"missing": ["未测"], "gap": 0.02}
    columns = [
        C("体检流水号", "check_no", lambda p: f"TJ2025{r.randrange(10**6):06d}"),
        C("学生姓名", "name", lambda p: p.name),
        C("性别", "sex", lambda p: p.sex, codes=w.SEX),
        C("年龄(岁)", "age", lambda p: w.age(p.birth), unit="year"),
        C("学生身份证号", "id_no", lambda p: p.id_no),
        C("学校全称", "school_name", lambda p: p.school.name),
        C("就读年级", "grade", lambda p: w.grade_word(p.grade)),
        C("检查日期", "check_date", lambda p: f"2025-10-{r.randrange(9, 30):02d}"),
        C("身高(cm)", "height", lambda p: p.height, unit="cm", **none),
        C("体重(kg)", "weight", lambda p: p.weight, unit="kg", **none),
        C("BMI", "", lambda p: round(p.weight / (p.height / 100) ** 2, 1)),
        C("收缩压(mmHg)", "sbp", lambda p: p.sbp, unit="mmHg", also="sbp1", **none),
        C("舒张压(mmHg)", "dbp", lambda p: p.dbp, unit="mmHg", also="dbp1", **none),
        C("左眼裸眼远视力", "vision_left", lambda p: p.vision, unit="5-point"),
        C("右眼裸眼远视力", "vision_right", lambda p: min(5.2, round(p.vision + r.choice([-0.1, 0, 0.1]), 1)),
          unit="5-point"),
        C("左眼球镜度数", "", lambda p: round(r.uniform(-3, 0.5), 2)),
        C("龋齿颗数", "", lambda p: r.choice([0, 0, 0, 1, 2, 3])),
        C("血红蛋白(g/dL)", "haemoglobin", lambda p: p.hb / 10, unit="g/dL", **none),
        C("肺活量(ml)", "", lambda p: r.randrange(900, 4200)),
        C("体检结论", "", lambda p: r.choice(["正常", "正常", "视力不良", "超重", "轻度贫血"])),
    ]  # fmt: skip
    out.sheet(["卫健局", "学生体检", "pupil_checkups", "2025年中小学生健康体检结果.xlsx", "体检结果"], columns,
              [world.child() for _ in range(200)])  # fmt: skip


def _schools(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("机构标识码", "school_code", lambda s: s.code),
        C("机构名称", "school_name", lambda s: s.name),
        C("所属区县", "county", lambda s: s.village.county),
        C("办学类型", "school_level", lambda s: s.level, codes={"小学": "primary", "初级中学": "junior"}),
        C("驻地城乡类别", "urban_class", lambda s: "121" if s.pupils >= 300 else "220",
          codes={"镇中心区": "121", "村庄": "220"}),
        C("班级总数(个)", "classes", lambda s: s.classes),
        C("学生总数(人)", "pupils", lambda s: s.pupils, unit="pupil", also="enrolled"),
        C("女学生数", "girls", lambda s: int(s.pupils * r.uniform(0.43, 0.52)), unit="pupil"),
        C("住宿生人数", "boarders", lambda s: int(s.pupils * r.uniform(0, 0.4)), unit="pupil"),
        C("留守儿童人数", "left_behind_pupils", lambda s: int(s.pupils * r.uniform(0.1, 0.45)), unit="pupil",
          also="left_behind"),
        C("教职工总数", "", lambda s: s.classes * 2 + r.randrange(1, 6)),
        C("图书(册)", "", lambda s: r.randrange(2000, 40000)),
        C("占地面积(平方米)", "", lambda s: r.randrange(3000, 30000)),
    ]  # fmt: skip
    total = ["合计", "", "", "", "", *["Σ"] * 8]
    where = ["教育局", "学校统计", "school_census", "2025年学校基本情况.xlsx", "基础教育"]
    out.sheet(where, columns, world.schools, footer=[total])


def _villages(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("行政村代码", "village_code", lambda v: v.code),
        C("行政村名称", "village", lambda v: v.name),
        C("所属乡镇", "township", lambda v: v.township),
        C("经度", "", lambda v: round(r.uniform(104.1, 105.9), 6)),
        C("户籍人口数", "", lambda v: r.randrange(800, 4000)),
        C("常住人口数", "residents", lambda v: r.randrange(400, 3500), unit="person"),
        C("村党支部书记", "", lambda v: world.adult("1").name),
    ]
    out.text(["规划局", "村居", "villages", "行政村基本情况.csv", ""], columns, world.villages, "utf-8-sig")


def _vehicles(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("号牌号码", "", lambda a: f"滨A{r.randrange(10**5):05d}"),
        C("车辆类型", "", lambda a: r.choice(["小型轿车", "普通二轮摩托车", "轻型自卸货车", "三轮汽车"])),
        C("车辆品牌", "", lambda a: r.choice(["五菱", "长安", "吉利", "东风", "嘉陵"])),
        C("车身颜色", "", lambda a: r.choice(["白", "黑", "红", "灰"])),
        C(
            "车辆识别代号",
            "",
            lambda a: "LZW" + "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(14)),
        ),
        C("机动车所有人", "", lambda a: a.name, also="name"),
        C("所有人证件号码", "id_no", lambda a: a.id_no),
        C("初次登记日期", "", lambda a: a.since),
        C("检验有效期止", "", lambda a: a.since.replace(year=2026, day=28)),
        C("核定载客", "", lambda a: r.choice([2, 5, 7])),
        C("机动车状态", "", lambda a: r.choice(["正常", "逾期未检验", "注销"])),
        C("车主电话", "phone", lambda a: phone(r)),
    ]
    out.text(
        ["公安局", "机动车", "", "机动车登记信息.csv", ""], columns, [world.adult() for _ in range(100)], "gb18030"
    )
