"""Commands about tokens of the API, for the operator: make one, see all, end one."""

from __future__ import annotations

import click

from commsapp.accounts import service as accounts
from commsapp.actor import Actor, HandlingLevel
from commsapp.cli.listening import opened
from commsapp.cli.showing import as_json, console, table
from commsapp.errors import NotAllowed
from commsapp.storage.session import Session


@click.group("token")
def tokens() -> None:
    """Tokens with which programs ask the API."""


@tokens.command("make")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(accounts.SCOPE_NAMES),
    help="What it may do; give it once for each.",
)
@click.option(
    "--level",
    "levels",
    multiple=True,
    type=click.Choice([str(level) for level in HandlingLevel]),
    help="A handling level above open that it may read; give it once for each.",
)
@click.option("--days", type=click.IntRange(1, accounts.LONGEST_DAYS), default=90, show_default=True, help="How long it holds.")
@click.option("--person", metavar="EMAIL", help="Whose it is (default: the operator of this machine).")
def make(name: str, scopes: tuple[str, ...], levels: tuple[str, ...], days: int, person: str | None) -> None:
    """Make a token and print it, once; NAME says what it is for.

    It never does more than its person may at that moment. Only the token goes to standard output, so that it can be piped into
    where a program keeps its passwords.
    """
    with opened().writing() as session:
        actor = accounts.local_actor(session)
        owner = _actor_named(session, actor, person) if person else actor
        asked = [HandlingLevel(level) for level in levels]
        token, secret = accounts.make_token(session, owner, name=name, scopes=scopes, days=days, handling_levels=asked)
    console(error=True).print(f"Token {token.id} holds until {token.expires_at:%d %B %Y}. It is shown this once:")
    click.echo(secret)


@tokens.command("list")
@click.option("--json", "machine", is_flag=True, help="Print JSON, for programs.")
def show(machine: bool) -> None:
    """List the tokens of everybody in this organisation, with their last use."""
    with opened().reading() as session:
        found = accounts.tokens_of(session, accounts.local_actor(session), everybody=True)
    if machine:
        as_json([vars(token) for token in found])
        return
    rows = [
        (
            token.id,
            token.name,
            token.person_id,
            " ".join(token.scopes),
            " ".join(token.handling_levels),
            f"{token.expires_at:%Y-%m-%d}" if token.holds else ("revoked" if token.revoked_at else "expired"),
            f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never",
        )
        for token in found
    ]
    table("Tokens", ["Id#", "For", "Person#", "Scopes", "Reads", "Until", "Last used (UTC)"], rows)


@tokens.command("revoke")
@click.argument("token_id", metavar="ID", type=click.IntRange(1, 2**31 - 1))
def revoke(token_id: int) -> None:
    """End a token at once."""
    with opened().writing() as session:
        token = accounts.revoke_token(session, accounts.local_actor(session), token_id)
    console().print(f"The token '{token.name}' was revoked.")


def _actor_named(session: Session, actor: Actor, email: str) -> Actor:
    person = accounts.person_named(session, actor, email)
    if not person.active:
        raise NotAllowed(f"{person.name} has no access any more.", "Give it back first, or choose somebody else.")
    return accounts.actor_for(session, organisation_id=person.organisation_id, person_id=person.id)


COMMANDS = (tokens,)
