"""The order of work across the rooms: build, study, publish, and what must be done again when something changed.

No room recomputes another's results; this one does, from recorded hashes. Each function takes a City and gives a
frozen result; each run that changes the city is written into its ledger.
"""

from commonground.jobs.build import BuildResult, build, intake, plan_build
from commonground.jobs.definitions import adopt, explain_person, load_adopted
from commonground.jobs.encoded import encode_file, match_encoded
from commonground.jobs.face import OpenCity
from commonground.jobs.fetch import fetch, plan_fetch
from commonground.jobs.follow import (
    change,
    check_export,
    compare,
    count_values,
    demo,
    export_values,
    link,
    plan_study,
    publish,
    study,
)
from commonground.jobs.forget import forget, plan_forget
from commonground.jobs.identities import person_history, retrain, undo_event, withdraw_decision
from commonground.jobs.office import audit, grant, invite, new_city
from commonground.jobs.people import people_report
from commonground.jobs.quality import drift, judge, judged_run
from commonground.jobs.returns import close_returns, make_returns, show_returns, take_return
from commonground.jobs.review import (
    close_review,
    estimate_review,
    explain_pair,
    list_reviews,
    open_review,
    plan_review,
    review_sheet,
    settle_review,
    take_review,
)

__all__ = [
    "BuildResult",
    "OpenCity",
    "adopt",
    "audit",
    "build",
    "change",
    "check_export",
    "close_returns",
    "close_review",
    "compare",
    "count_values",
    "demo",
    "drift",
    "encode_file",
    "estimate_review",
    "explain_pair",
    "explain_person",
    "export_values",
    "fetch",
    "forget",
    "grant",
    "intake",
    "invite",
    "judge",
    "judged_run",
    "link",
    "list_reviews",
    "load_adopted",
    "make_returns",
    "match_encoded",
    "new_city",
    "open_review",
    "people_report",
    "person_history",
    "plan_build",
    "plan_fetch",
    "plan_forget",
    "plan_review",
    "plan_study",
    "publish",
    "retrain",
    "review_sheet",
    "settle_review",
    "show_returns",
    "study",
    "take_return",
    "take_review",
    "undo_event",
    "withdraw_decision",
]
