"""The only door of listening: everything that other domains, pages, the API, the worker and the command line may call.

Calls take an open session first, then who is asking; long work (``run_import``, ``run_analysis``) takes `Sessions`, since it
commits batch by batch. What comes back is frozen (see `views`) or a DataFrame, never a row of a table.
"""

from commsapp.listening.analysing import run_analysis, start_analysis
from commsapp.listening.checking import check_file
from commsapp.listening.freezing import (
    attributes,
    frozen_results,
    latest_summary,
    result,
    result_now,
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
from commsapp.listening.removing import import_goes_on, remove_import
from commsapp.listening.reporting import (
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

__all__ = [
    "ERASED",
    "FOR_THOSE_WHO_SEE_ALL",
    "add_area",
    "add_channel",
    "add_context_event",
    "add_wave",
    "all_programmes",
    "areas",
    "as_export",
    "as_rows",
    "attributes",
    "change_handling",
    "channels",
    "check_file",
    "clear_uploads",
    "codebook_in_use",
    "comment_redacted",
    "comments_page",
    "context_events",
    "counts_by_channel",
    "create_programme",
    "erase_again",
    "erase_person",
    "every_retention",
    "frozen_results",
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
    "over_waves",
    "people",
    "person",
    "programme",
    "programme_named",
    "read_original",
    "records",
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
    "run_import",
    "run_retention",
    "search",
    "set_retention",
    "start_analysis",
    "start_import",
    "store_results",
    "waves",
    "withdraw",
    "would_go",
    "write_decided",
]
