"""The only door of listening: everything that other domains, pages, the API, the worker and the command line may call.

Calls take an open session first, then who is asking; long work (``run_import``, ``run_analysis``) takes `Sessions`, since it
commits batch by batch. What comes back is frozen (see `views`) or a DataFrame, never a row of a table.
"""

from commsapp.listening.analysing import run_analysis, start_analysis
from commsapp.listening.asking import start_add, start_carry, start_freeze, start_look, start_split
from commsapp.listening.by_hand import comment_sorted, give_topic, take_topic_back
from commsapp.listening.checking import check_file
from commsapp.listening.citing import result_now, topic_followed
from commsapp.listening.differing import difference as draft_difference
from commsapp.listening.differing import tried as codebook_tried
from commsapp.listening.drafting import CHANGES as CODEBOOK_CHANGES
from commsapp.listening.drafting import change as change_codebook
from commsapp.listening.drafting import draft as codebook_draft
from commsapp.listening.drafting import redo as redo_change
from commsapp.listening.drafting import start_again as start_draft_again
from commsapp.listening.drafting import undo as undo_change
from commsapp.listening.emerging import bring_group_back, emerging_group, new_to_look_at, set_group_aside, whats_new
from commsapp.listening.explaining import explanation, run_explanation, start_explanation
from commsapp.listening.freezing import (
    attributes,
    frozen_results,
    latest_summary,
    result,
    results_page,
    store_results,
)
from commsapp.listening.freezing import codebook_shown as codebook_in_use
from commsapp.listening.importing import (
    how_read,
    import_of,
    imports_of,
    latest_mappings,
    level_words,
    rejected,
    run_import,
    start_import,
)
from commsapp.listening.looking import over_waves
from commsapp.listening.originals import comment_redacted, may_read_original, read_original
from commsapp.listening.programmes import (
    add_area,
    add_channel,
    add_context_event,
    add_wave,
    all_programmes,
    areas,
    channels,
    context_events,
    create_programme,
    programme,
    programme_named,
    remove_context_event,
    remove_wave,
    waves,
)
from commsapp.listening.recoding import add_topic, carry, compare, freeze, split_topic, try_codebook
from commsapp.listening.removing import import_goes_on, remove_import
from commsapp.listening.reporting import (
    comments_of,
    comments_page,
    counts_by_channel,
    narrowed,
    records,
)
from commsapp.listening.responding import responses_page
from commsapp.listening.restoring import erase_again
from commsapp.listening.retention import every_retention, retentions, run_retention, set_retention, would_go
from commsapp.listening.rights import (
    FOR_THOSE_WHO_SEE_ALL,
    as_export,
    as_rows,
    change_handling,
    erase_person,
    people,
    person,
    withdraw,
)
from commsapp.listening.searching import search
from commsapp.listening.standing import ERASED, write_decided
from commsapp.listening.uploads import clear as clear_uploads
from commsapp.listening.uploads import keep, keep_stream
from commsapp.listening.versions import Followed, between_versions
from commsapp.listening.versions import versions as codebook_versions

__all__ = [
    "CODEBOOK_CHANGES",
    "ERASED",
    "FOR_THOSE_WHO_SEE_ALL",
    "Followed",
    "add_area",
    "add_channel",
    "add_context_event",
    "add_topic",
    "add_wave",
    "all_programmes",
    "areas",
    "as_export",
    "as_rows",
    "attributes",
    "between_versions",
    "bring_group_back",
    "carry",
    "change_codebook",
    "change_handling",
    "channels",
    "check_file",
    "clear_uploads",
    "codebook_draft",
    "codebook_in_use",
    "codebook_tried",
    "codebook_versions",
    "comment_redacted",
    "comment_sorted",
    "comments_of",
    "comments_page",
    "compare",
    "context_events",
    "counts_by_channel",
    "create_programme",
    "draft_difference",
    "emerging_group",
    "erase_again",
    "erase_person",
    "every_retention",
    "explanation",
    "freeze",
    "frozen_results",
    "give_topic",
    "how_read",
    "import_goes_on",
    "import_of",
    "imports_of",
    "keep",
    "keep_stream",
    "latest_mappings",
    "latest_summary",
    "level_words",
    "may_read_original",
    "narrowed",
    "new_to_look_at",
    "over_waves",
    "people",
    "person",
    "programme",
    "programme_named",
    "read_original",
    "records",
    "redo_change",
    "rejected",
    "remove_context_event",
    "remove_import",
    "remove_wave",
    "responses_page",
    "result",
    "result_now",
    "results_page",
    "retentions",
    "run_analysis",
    "run_explanation",
    "run_import",
    "run_retention",
    "search",
    "set_group_aside",
    "set_retention",
    "split_topic",
    "start_add",
    "start_analysis",
    "start_carry",
    "start_draft_again",
    "start_explanation",
    "start_freeze",
    "start_import",
    "start_look",
    "start_split",
    "store_results",
    "take_topic_back",
    "topic_followed",
    "try_codebook",
    "undo_change",
    "waves",
    "whats_new",
    "withdraw",
    "would_go",
    "write_decided",
]
