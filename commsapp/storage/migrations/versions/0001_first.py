"""The first tables: every record of the design, so that later versions only add."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def _key() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer(), primary_key=True)


def _to(name: str, target: str, *, nullable: bool = False, ondelete: str | None = None, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(target, ondelete=ondelete), nullable=nullable, **options)


def _organisations() -> None:
    op.create_table(
        "organisation",
        _key(),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
    )
    op.create_table(
        "person",
        _key(),
        _to("organisation_id", "organisation.id", index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
    )


def _programmes() -> None:
    op.create_table(
        "programme",
        _key(),
        _to("organisation_id", "organisation.id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("made_up", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("organisation_id", "name"),
    )
    op.create_table(
        "area",
        _key(),
        _to("programme_id", "programme.id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        _to("parent_id", "area.id", nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.UniqueConstraint("programme_id", "name"),
    )
    op.create_table(
        "attribute",
        _key(),
        _to("programme_id", "programme.id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("programme_id", "name"),
    )
    op.create_table(
        "context_event",
        _key(),
        _to("programme_id", "programme.id", index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
    )


def _programmes_2() -> None:
    op.create_table(
        "feedback_channel",
        _key(),
        _to("programme_id", "programme.id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("retain_until", sa.Date(), nullable=True),
        sa.UniqueConstraint("programme_id", "name"),
    )
    op.create_table(
        "wave",
        _key(),
        _to("programme_id", "programme.id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.UniqueConstraint("programme_id", "name"),
    )


def _codings() -> None:
    op.create_table(
        "codebook",
        _key(),
        _to("programme_id", "programme.id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.UniqueConstraint("programme_id", "name"),
    )
    op.create_table(
        "coder",
        _key(),
        _to("organisation_id", "organisation.id"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        _to("person_id", "person.id", nullable=True),
        sa.UniqueConstraint("organisation_id", "kind", "name", "version"),
    )
    op.create_table(
        "codebook_version",
        _key(),
        _to("codebook_id", "codebook.id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("granularity", sa.Text(), nullable=False),
        sa.Column("encoder_version", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("frozen_at", MOMENT, nullable=False),
        sa.UniqueConstraint("codebook_id", "number"),
    )
    op.create_table(
        "topic",
        _key(),
        _to("codebook_version_id", "codebook_version.id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("phrases", sa.JSON(), nullable=False),
        sa.Column("centroid", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.UniqueConstraint("codebook_version_id", "number"),
    )


def _codings_2() -> None:
    op.create_table(
        "coding",
        _key(),
        _to("organisation_id", "organisation.id"),
        _to("coder_id", "coder.id"),
        sa.Column("text_key", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        _to("topic_id", "topic.id", index=True, nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.UniqueConstraint("coder_id", "text_key", "measure", "rank"),
        sa.Index("ix_coding_text_key", "text_key"),
    )


def _imports() -> None:
    op.create_table(
        "import_run",
        _key(),
        _to("organisation_id", "organisation.id"),
        _to("programme_id", "programme.id", index=True),
        _to("channel_id", "feedback_channel.id"),
        sa.Column("person_name", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("date_order", sa.Text(), nullable=False),
        sa.Column("handling_level", sa.Text(), nullable=False),
        sa.Column("checkpoint", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("already_there", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
    )
    op.create_table(
        "rejected_row",
        _key(),
        _to("import_id", "import_run.id", ondelete="CASCADE"),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=True),
        sa.UniqueConstraint("import_id", "row_number"),
    )


def _responses() -> None:
    op.create_table(
        "question",
        _key(),
        _to("programme_id", "programme.id"),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.UniqueConstraint("programme_id", "wording", "version"),
    )
    op.create_table(
        "respondent",
        _key(),
        _to("channel_id", "feedback_channel.id"),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.UniqueConstraint("channel_id", "key_hash"),
    )
    op.create_table(
        "statement",
        _key(),
        _to("channel_id", "feedback_channel.id"),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.UniqueConstraint("channel_id", "identity"),
    )


def _responses_2() -> None:
    op.create_table(
        "response",
        _key(),
        _to("organisation_id", "organisation.id"),
        _to("programme_id", "programme.id"),
        _to("channel_id", "feedback_channel.id"),
        _to("import_id", "import_run.id", index=True, nullable=True),
        _to("respondent_id", "respondent.id", index=True, nullable=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=True),
        _to("area_id", "area.id", nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("consent", sa.JSON(), nullable=False),
        sa.Column("handling_level", sa.Text(), nullable=False),
        sa.UniqueConstraint("channel_id", "identity"),
        sa.Index("ix_response_programme_date", "programme_id", "date"),
    )
    op.create_table(
        "vote",
        _key(),
        _to("respondent_id", "respondent.id", ondelete="CASCADE"),
        _to("statement_id", "statement.id", index=True, ondelete="CASCADE"),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.UniqueConstraint("respondent_id", "statement_id"),
    )
    op.create_table(
        "answer",
        _key(),
        _to("response_id", "response.id", ondelete="CASCADE"),
        _to("question_id", "question.id", index=True),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.UniqueConstraint("response_id", "question_id"),
    )


def _responses_3() -> None:
    op.create_table(
        "comment",
        _key(),
        _to("response_id", "response.id", unique=True, ondelete="CASCADE"),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("given_language", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("translation", sa.Text(), nullable=False),
        sa.Column("translator", sa.Text(), nullable=False),
        sa.Column("analysis_text", sa.Text(), nullable=True),
        sa.Column("text_key", sa.Text(), nullable=True, index=True),
        sa.Column("from_translation", sa.Boolean(), nullable=False),
        sa.Column("not_coded", sa.Text(), nullable=False),
        sa.Column("prepared", sa.Boolean(), nullable=False, index=True),
    )


def _results() -> None:
    op.create_table(
        "result_set",
        _key(),
        _to("programme_id", "programme.id", index=True),
        sa.Column("made_at", MOMENT, nullable=False),
        _to("codebook_version_id", "codebook_version.id", nullable=True),
        sa.Column("summary", sa.JSON(), nullable=False),
    )
    op.create_table(
        "listening_result",
        _key(),
        _to("organisation_id", "organisation.id"),
        _to("programme_id", "programme.id", index=True),
        _to("result_set_id", "result_set.id"),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("wave", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("n_effective", sa.Double(), nullable=False),
        sa.Column("not_coded", sa.JSON(), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=False),
        sa.Column("codebook_version", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("correction", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Index("ix_listening_result_set", "result_set_id", "measure", "wave", "area", "segment"),
    )


def _campaigns() -> None:
    op.create_table(
        "campaign",
        _key(),
        _to("programme_id", "programme.id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("approach", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.UniqueConstraint("programme_id", "name"),
    )
    op.create_table(
        "objective",
        _key(),
        _to("campaign_id", "campaign.id", index=True),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_table(
        "message",
        _key(),
        _to("campaign_id", "campaign.id", index=True),
        _to("listening_result_id", "listening_result.id", nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("behaviour", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
    )
    op.create_table(
        "activity",
        _key(),
        _to("message_id", "message.id", index=True),
        sa.Column("medium", sa.Text(), nullable=False),
        _to("area_id", "area.id", nullable=True),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("cost", sa.Double(), nullable=True),
        sa.Column("delivered", sa.Boolean(), nullable=False),
    )


def _campaigns_2() -> None:
    op.create_table(
        "expected_effect",
        _key(),
        _to("message_id", "message.id", unique=True),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("codebook_version", sa.Text(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("target_difference", sa.Double(), nullable=False),
        sa.Column("smallest", sa.Double(), nullable=True),
        sa.Column("by", sa.Date(), nullable=False),
        _to("before_wave_id", "wave.id"),
        _to("after_wave_id", "wave.id", nullable=True),
        sa.Column("fixed_at", MOMENT, nullable=False),
    )
    op.create_table(
        "measured_effect",
        _key(),
        _to("expected_effect_id", "expected_effect.id", index=True),
        sa.Column("measured_at", MOMENT, nullable=False),
        sa.Column("design", sa.Text(), nullable=False),
        sa.Column("estimate", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
    )


def _events() -> None:
    op.create_table(
        "event",
        _key(),
        _to("organisation_id", "organisation.id", index=True),
        _to("person_id", "person.id", nullable=True),
        sa.Column("person_name", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, index=True),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
    )


def _jobs() -> None:
    op.create_table(
        "job",
        _key(),
        _to("organisation_id", "organisation.id", index=True),
        _to("person_id", "person.id", nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        _to("programme_id", "programme.id", index=True, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Index("ix_job_state_lease_until", "state", "lease_until"),
    )


TABLES = (
    "organisation",
    "person",
    "programme",
    "area",
    "attribute",
    "context_event",
    "feedback_channel",
    "wave",
    "codebook",
    "coder",
    "codebook_version",
    "topic",
    "coding",
    "import_run",
    "rejected_row",
    "question",
    "respondent",
    "statement",
    "response",
    "vote",
    "answer",
    "comment",
    "result_set",
    "listening_result",
    "campaign",
    "objective",
    "message",
    "activity",
    "expected_effect",
    "measured_effect",
    "event",
    "job",
)


def upgrade() -> None:
    _organisations()
    _programmes()
    _programmes_2()
    _codings()
    _codings_2()
    _imports()
    _responses()
    _responses_2()
    _responses_3()
    _results()
    _campaigns()
    _campaigns_2()
    _events()
    _jobs()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
