"""Commands about a city as a whole: demo, new, serve, desk, audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City

host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on. 监听地址。")


@click.command(short_help="Make, build, study and publish a small synthetic city. 演示城市。")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo-city"))
@click.option("--seed", default=2026, show_default=True, help="Seed of the generator. 随机种子。")
@click.option("--children", default=6000, show_default=True, help="Children in the city. 儿童人数。")
@click.option("--only-generate", is_flag=True, help="Write the deliveries and stop. 只生成文件。")
@dry_run
@spoken
def demo(speaker: Speaker, folder: Path, seed: int, children: int, only_generate: bool, dry_run: bool) -> None:
    """Make a synthetic city in FOLDER with its departments' files, then build, study and publish it.

    在 FOLDER 中生成一座虚构的城市及其各部门文件，然后建库、研究、发布。
    """
    from commonground import jobs

    if dry_run:
        made = Said(
            f"会在 {folder} 生成 {children} 名儿童的演示城市。", f"Would make {children:,} children in {folder}."
        )
        then = Said("然后建库、研究、发布。", "Would then build, study and publish it.")
        speaker.would(*([made] if only_generate else [made, then]), city=str(folder))
        return
    done = jobs.demo(folder, seed=seed, children=children, only_generate=only_generate, progress=speaker.progress())
    speaker.say(f"城市：{done['city']}", f"City: {done['city']}")
    if done.get("site"):
        speaker.say(f"网站：{done['site']}", f"Site: {done['site']}")
        program = sys.argv[0] if sys.argv[0].startswith(".") else "commonground"  # as it was called, where not by PATH
        speaker.say(f"查看：{program} serve {folder}", f"To look at it: {program} serve {folder}")
    speaker.result(done)


@click.command(short_help="Make an empty city's folder. 新建城市。")
@click.argument("folder", type=click.Path(path_type=Path))
@dry_run
@spoken
def new(speaker: Speaker, folder: Path, dry_run: bool) -> None:
    """Make the folder of a city with a city.toml to fill in.

    新建城市文件夹和待填写的 city.toml。
    """
    from commonground import jobs

    if dry_run:
        speaker.would(Said(f"会建立 {folder}/city.toml。", f"Would make {folder}/city.toml."), city=str(folder))
        return
    made = jobs.new_city(folder)
    speaker.say(f"已建立 {made}，请填写其中的 city.toml。", f"Made {made}; fill in its city.toml.")
    speaker.result({"city": str(made)})


@click.command(short_help="Serve the public site. 公开网站。")
@click.argument("city", type=click.Path(path_type=Path))
@host
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on. 端口。"
)
@spoken
def serve(speaker: Speaker, city: Path, host: str, port: int) -> None:
    """Serve the city's current release; the process reads ``releases/`` alone.

    提供当前发布的网站；该进程只读取 releases/。
    """
    from commonground.web.site import serve_site

    at = f"http://{host}:{port}/"

    def ready() -> None:
        speaker.note(f"网站在 {at} ，按 Ctrl-C 结束。", f"The site is at {at} ; Ctrl-C ends it.")
        speaker.result({"site": at})

    serve_site(city / "releases", host=host, port=port, ready=ready)


@click.command(short_help="Serve the staff's desk; invite and appoint. 工作台。")
@about_city
@host
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8001, show_default=True, help="Port to listen on. 端口。"
)
@click.option("--second-factor", is_flag=True, help="Ask everybody for a second factor. 要求所有人使用动态验证码。")
@click.option("--invite", metavar="NAME", help="Make a one-time invitation for an account instead. 生成一次性邀请码。")
@click.option("--grant", metavar="NAME", help="Grant an account the role instead. 授予账号角色。")
@click.option("--role", help="The role for --invite or --grant. 要授予的角色。")
@dry_run
@spoken
def desk(
    speaker: Speaker,
    city: City,
    host: str,
    port: int,
    second_factor: bool,
    invite: str | None,
    grant: str | None,
    role: str | None,
    dry_run: bool,
) -> None:
    """Serve the desk for signed-in staff, a second process beside the public site.

    为登录的工作人员提供工作台，与公开网站分开运行。
    """
    from commonground import jobs

    if grant and not role:
        raise click.MissingParameter(ctx=click.get_current_context(), param_type="option", param=_role())
    if (invite or grant) and dry_run:
        what = (
            Said("会生成邀请码", "Would make an invitation") if invite else Said("会授予角色", "Would grant the role")
        )
        speaker.would(
            Said(
                f"{what.zh}：{invite or grant}，{role or '无角色'}。",
                f"{what.en}: {invite or grant}, {role or 'no role'}.",
            )
        )
        return
    if invite:
        code = jobs.invite(city, invite, role)
        speaker.say(f"{invite} 的邀请码：{code}，只能用一次。", f"Invitation of {invite}: {code}, good once.")
        speaker.result({"account": invite, "role": role, "invitation": code})
        return
    if grant:
        jobs.grant(city, grant, role or "")
        speaker.say(f"已授予 {grant} 角色 {role}。", f"{grant} was granted the role {role}.")
        speaker.result({"account": grant, "role": role})
        return
    from commonground.web.desk import serve_desk

    at = f"http://{host}:{port}/"

    def ready() -> None:
        speaker.note(f"工作台在 {at} ，按 Ctrl-C 结束。", f"The desk is at {at} ; Ctrl-C ends it.")
        speaker.result({"desk": at})

    serve_desk(city, host=host, port=port, second_factor=second_factor, ready=ready)


def _role() -> click.Parameter:
    return next(p for p in desk.params if p.name == "role")


@click.command(short_help="Verify the ledger. 核验台账。")
@about_city
@click.option("--last", default=20, show_default=True, help="Entries to show. 显示的条数。")
@spoken
def audit(speaker: Speaker, city: City, last: int) -> None:
    """Verify the ledger's chain and the current version's tables, and show the last entries.

    核验台账的链条和当前版本的各张表，并显示最近的记录。
    """
    from commonground import jobs

    report = jobs.audit(city, last=last)
    speaker.say(report["sentence"]["zh"], report["sentence"]["en"])
    if report["tables"]:
        n = report["tables"]
        speaker.say(
            f"当前版本的 {n} 张表与建库时一致。", f"All {n} tables of the current version are as they were built."
        )
    rows = [[e["seq"], e["at"], e["kind"], e["actor"], e["subject"]] for e in report["last"]]
    heads = [
        Said("序号", "number"),
        Said("时间", "time"),
        Said("事项", "kind"),
        Said("操作者", "actor"),
        Said("对象", "subject"),
    ]
    if report["may_read"]:
        speaker.table(Said("最近的记录", "Last entries"), heads, rows)
    else:
        speaker.note("逐条内容只有审计管理员可以看。", "The entries themselves are for the audit administrator.")
    speaker.result(report)
