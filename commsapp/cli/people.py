"""Commands for whoever runs the machine: who has an account, inviting, roles, clearances, links for a new password."""

from __future__ import annotations

import click

from commsapp.accounts import service as accounts
from commsapp.accounts.views import NewLink, Person
from commsapp.actor import HandlingLevel, Role
from commsapp.cli.listening import opened
from commsapp.cli.showing import as_json, console, table
from commsapp.config import load_settings
from commsapp.errors import BadInput

ROLES = click.Choice([role.value for role in Role])
LEVELS = click.Choice([level.value for level in HandlingLevel if level is not HandlingLevel.OPEN])


@click.group("user")
def user() -> None:
    """Accounts: who may sign in, and what they may see."""


@user.command("list")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def list_people(json_: bool) -> None:
    """Show everybody who has an account or was invited."""
    with opened().reading() as session:
        found = accounts.all_people(session, accounts.local_actor(session))
    if json_:
        as_json([_as_row(person) for person in found])
        return
    if not found:
        console().print("Nobody has an account yet. 'commsapp user invite --administrator' makes a link for the first one.")
        return
    rows = [list(_as_row(person).values()) for person in found]
    table("People", ["Name", "E-mail", "Role", "Account", "Cleared for", "Second factor"], rows)


@user.command("invite")
@click.argument("email", required=False)
@click.option("--name", help="As colleagues know the person; needed with an e-mail address.")
@click.option("--role", type=ROLES, default=Role.OFFICER.value, show_default=True, help="What the person does.")
@click.option("--clear", "levels", type=LEVELS, multiple=True, help="A handling level beyond open; may be given several times.")
@click.option("--originals", is_flag=True, help="Clear the person for words before redaction.")
@click.option("--administrator", is_flag=True, help="Without EMAIL: a link for the first account of all.")
def invite(email: str | None, name: str | None, role: str, levels: tuple[str, ...], originals: bool, administrator: bool) -> None:
    """Make a link that lets a person in once, and print it. No mail is sent."""
    sessions = opened()
    if email is None:
        if not administrator:
            cure = "Give an e-mail address and --name, or --administrator for the first account."
            raise BadInput("Whom to invite is missing.", cure)
        with sessions.writing() as session:
            first = accounts.first_link(session)
        if first is None:
            raise BadInput("An administrator can sign in already.", "Give an e-mail address and --name to invite somebody.")
        _show(first)
        return
    if not name:
        raise BadInput("The person's name is missing.", "Add --name 'Their name'.")
    with sessions.writing() as session:
        _, link = accounts.invite(
            session,
            accounts.local_actor(session),
            name=name,
            email=email,
            role=Role.ADMINISTRATOR if administrator else Role(role),
            levels=[HandlingLevel(level) for level in levels],
            originals=originals,
        )
    _show(link)


@user.command("role")
@click.argument("email")
@click.argument("role", type=ROLES, metavar="ROLE")
def role(email: str, role: str) -> None:
    """Give a person another role; they sign in again.

    ROLE is 'communications officer', 'engagement worker', 'evaluator', 'administrator' or 'partner'.
    """
    with opened().writing() as session:
        actor = accounts.local_actor(session)
        person = accounts.person_named(session, actor, email)
        accounts.change_role(session, actor, person.id, Role(role))
    console().print(f"{person.name} has the role {role} now.")


@user.command("clear")
@click.argument("email")
@click.option("--level", "levels", type=LEVELS, multiple=True, help="A handling level beyond open; may be given several times.")
@click.option("--originals", is_flag=True, help="Words before redaction as well.")
def clear(email: str, levels: tuple[str, ...], originals: bool) -> None:
    """Say what a person is cleared for beyond open text: exactly what is given. It holds once they have a second factor."""
    with opened().writing() as session:
        actor = accounts.local_actor(session)
        person = accounts.person_named(session, actor, email)
        changed = accounts.clear_person(
            session, actor, person.id, [HandlingLevel(level) for level in levels], originals=originals
        )
    console().print(f"{person.name} is cleared for: {_as_row(changed)['cleared for'] or 'nothing of their own'}.")


@user.command("deactivate")
@click.argument("email")
@click.option("--undo", is_flag=True, help="Let the person in again.")
def deactivate(email: str, undo: bool) -> None:
    """Keep a person out, at once and everywhere."""
    with opened().writing() as session:
        actor = accounts.local_actor(session)
        person = accounts.person_named(session, actor, email)
        accounts.set_active(session, actor, person.id, undo)
    console().print(f"{person.name} {'can sign in again' if undo else 'can sign in no more'}.")


@user.command("reset")
@click.argument("email")
@click.option("--second-factor", is_flag=True, help="Forget passkeys, authenticator app and recovery codes too.")
def reset(email: str, second_factor: bool) -> None:
    """Make a link with which a person chooses a new password, and print it."""
    with opened().writing() as session:
        actor = accounts.local_actor(session)
        person = accounts.person_named(session, actor, email)
        if second_factor:
            accounts.forget_second_factor(session, actor, person.id)
        link = accounts.new_link(session, actor, person.id)
    _show(link)


def link_address(secret: str) -> str:
    """The whole address of a link."""
    return f"{load_settings().address}/join/{secret}"


def _show(link: NewLink) -> None:
    until = f", until {link.ends_at:%d %B %Y}" if link.ends_at else ""
    console(error=True).print(f"This lets one person in once{until}. Hand it on by a way that you trust; it is not shown again:")
    click.echo(link_address(link.secret))


def _as_row(person: Person) -> dict[str, str]:
    state = "deactivated" if not person.active else "can sign in" if person.can_sign_in else "invited"
    cleared = [level.value for level in HandlingLevel if level in person.cleared.levels]
    factors = [*(["passkey"] if person.passkeys else []), *(["authenticator app"] if person.authenticator else [])]
    return {
        "name": person.name,
        "email": person.email,
        "role": person.role.value,
        "account": state,
        "cleared for": ", ".join([*cleared, *(["originals"] if person.cleared.originals else [])]),
        "second factor": ", ".join(factors) or "none",
    }


COMMANDS = (user,)
