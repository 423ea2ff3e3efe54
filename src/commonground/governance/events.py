"""The kinds of things that the ledger records: a closed list, each named in both languages."""

from __future__ import annotations

from enum import StrEnum

from commonground.errors import Said


class Kind(StrEnum):
    """What happened. A room that needs a further kind adds it here, with its name in both languages."""

    DELIVERY_RECEIVED = "delivery_received"
    DELIVERY_REMOVED = "delivery_removed"
    DATABASE_FETCHED = "database_fetched"
    CONTRACT_SUGGESTED = "contract_suggested"
    CONTRACT_CHANGED = "contract_changed"
    BUILD = "build"
    DEFINITION_ADOPTED = "definition_adopted"
    VALUE_EXPLAINED = "value_explained"
    LINK = "link"
    PERSON_IDS = "person_ids"
    LINK_MODEL = "link_model"
    LINK_DECISION = "link_decision"
    STUDY = "study"
    RELEASE = "release"
    RELEASE_WITHDRAWN = "release_withdrawn"
    TRANSFER = "transfer"
    RETURN_SHEET = "return_sheet"
    RETURN_TAKEN = "return_taken"
    RETURN_CLOSED = "return_closed"
    REVIEW_SHEET = "review_sheet"
    LINK_EXPORT = "link_export"
    LINK_EXPLAINED = "link_explained"
    LINK_REVIEW_OPENED = "link_review_opened"
    LINK_REVIEW_SHEET = "link_review_sheet"
    LINK_REVIEW_TAKEN = "link_review_taken"
    LINK_REVIEW_VIEWED = "link_review_viewed"
    LINK_REVIEW_DECIDED = "link_review_decided"
    LINK_REVIEW_SETTLED = "link_review_settled"
    LINK_REVIEW_CLOSED = "link_review_closed"
    LINK_THRESHOLD = "link_threshold"
    VALUES_EXPORT = "values_export"
    SUMS_EXPORT = "sums_export"
    PROJECT_OPENED = "project_opened"
    PROJECT_CLOSED = "project_closed"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_VOTE = "approval_vote"
    APPROVAL = "approval"
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    ACCESS_REFUSED = "access_refused"
    ACCOUNT_INVITED = "account_invited"
    ACCOUNT_OPENED = "account_opened"
    ACCOUNT_CLOSED = "account_closed"
    PASSWORD_CHANGED = "password_changed"
    SECOND_FACTOR_SET = "second_factor_set"
    SIGN_IN = "sign_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_OUT = "sign_out"
    OFFICIAL_PAGE_READ = "official_page_read"
    KEY_MADE = "key_made"
    KEY_DESTROYED = "key_destroyed"
    PERSON_ERASED = "person_erased"

    @property
    def label(self) -> Said:
        """The kind's name for readers."""
        return LABELS[self]


LABELS: dict[Kind, Said] = {
    Kind.DELIVERY_RECEIVED: Said("收到交付", "Delivery received"),
    Kind.DELIVERY_REMOVED: Said("删除交付", "Delivery removed"),
    Kind.DATABASE_FETCHED: Said("从部门数据库取数", "Fetched from a department's database"),
    Kind.CONTRACT_SUGGESTED: Said("提出读取约定草案", "Contract proposed"),
    Kind.CONTRACT_CHANGED: Said("修改读取约定", "Contract changed"),
    Kind.BUILD: Said("建库", "Database built"),
    Kind.VALUE_EXPLAINED: Said("查看一人取值的依据", "One person's value explained"),
    Kind.DEFINITION_ADOPTED: Said("采用定义", "Definitions adopted"),
    Kind.LINK: Said("人员连接", "Records linked"),
    Kind.PERSON_IDS: Said("人员编号接续", "Ids of persons carried on"),
    Kind.LINK_MODEL: Said("确定连接模型", "Model of linking fixed"),
    Kind.LINK_DECISION: Said("连接裁定", "Link decided"),
    Kind.STUDY: Said("运行研究", "Study run"),
    Kind.RELEASE: Said("发布", "Released"),
    Kind.RELEASE_WITHDRAWN: Said("撤回发布", "Release withdrawn"),
    Kind.TRANSFER: Said("其他移交", "Other transfer"),
    Kind.RETURN_SHEET: Said("退回核对单", "Return sheet sent"),
    Kind.RETURN_TAKEN: Said("收回核对单", "Return sheet taken back"),
    Kind.RETURN_CLOSED: Said("核对事项销号", "Return items closed"),
    Kind.REVIEW_SHEET: Said("送审单", "Review sheet sent"),
    Kind.LINK_EXPORT: Said("导出连接表", "Links exported"),
    Kind.LINK_EXPLAINED: Said("查看权重明细", "Waterfall of a pair seen"),
    Kind.LINK_REVIEW_OPENED: Said("开展连接复核", "Round of link review opened"),
    Kind.LINK_REVIEW_SHEET: Said("发出连接复核单", "Link review sheet sent"),
    Kind.LINK_REVIEW_TAKEN: Said("收回连接复核单", "Link review sheet taken back"),
    Kind.LINK_REVIEW_VIEWED: Said("查看待复核的记录对", "Pair seen in link review"),
    Kind.LINK_REVIEW_DECIDED: Said("作出复核判断（未拆封）", "Pair decided in link review (sealed)"),
    Kind.LINK_REVIEW_SETTLED: Said("复核结果生效", "Link review settled"),
    Kind.LINK_REVIEW_CLOSED: Said("复核批次结束", "Round of link review closed"),
    Kind.LINK_THRESHOLD: Said("采用连接门槛", "Threshold of linkage adopted"),
    Kind.VALUES_EXPORT: Said("导出变量取值", "Values exported"),
    Kind.SUMS_EXPORT: Said("导出汇总量", "Sums exported"),
    Kind.PROJECT_OPENED: Said("立项", "Project opened"),
    Kind.PROJECT_CLOSED: Said("结项", "Project closed"),
    Kind.APPROVAL_REQUESTED: Said("提请审批", "Approval asked for"),
    Kind.APPROVAL_VOTE: Said("提交审批意见（未拆封）", "Approval vote cast (sealed)"),
    Kind.APPROVAL: Said("审批结果", "Approval decided"),
    Kind.ROLE_GRANTED: Said("授予角色", "Role granted"),
    Kind.ROLE_REVOKED: Said("收回角色", "Role revoked"),
    Kind.ACCESS_REFUSED: Said("越权被拒", "Access refused"),
    Kind.ACCOUNT_INVITED: Said("邀请开户", "Account invited"),
    Kind.ACCOUNT_OPENED: Said("账号启用", "Account opened"),
    Kind.ACCOUNT_CLOSED: Said("账号停用", "Account closed"),
    Kind.PASSWORD_CHANGED: Said("修改密码", "Password changed"),
    Kind.SECOND_FACTOR_SET: Said("启用动态验证码", "Second factor set"),
    Kind.SIGN_IN: Said("登录", "Signed in"),
    Kind.SIGN_IN_REFUSED: Said("登录被拒", "Sign-in refused"),
    Kind.SIGN_OUT: Said("退出", "Signed out"),
    Kind.OFFICIAL_PAGE_READ: Said("查看内部页面", "Official page read"),
    Kind.KEY_MADE: Said("生成密钥", "Key made"),
    Kind.KEY_DESTROYED: Said("销毁密钥", "Key destroyed"),
    Kind.PERSON_ERASED: Said("删除个人信息", "Person erased"),
}

TRANSFERS = frozenset(
    {
        Kind.RELEASE,
        Kind.TRANSFER,
        Kind.RETURN_SHEET,
        Kind.REVIEW_SHEET,
        Kind.LINK_EXPORT,
        Kind.LINK_REVIEW_SHEET,
        Kind.VALUES_EXPORT,
        Kind.SUMS_EXPORT,
    }
)
"""The kinds by which something leaves the city's folder; ``transfer.record`` writes them."""
