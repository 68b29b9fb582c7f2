"""The memory that a try of a job requests: that of the settings, or what follows from the history of imports."""

import logging
from collections.abc import Mapping

from radiant import storage
from radiant.costs.sizing import memory_bound, memory_request
from radiant.errors import InputError, RadiantError
from radiant.jobs.catalogue import IMPORT_CASE, effective_job
from radiant.jobs.import_history import decode_history, history_uri
from radiant.settings import Settings

log = logging.getLogger("radiant.operators.sizing")


def wanted_memory(job: str, arguments: Mapping[str, object], settings: Settings, grown_mib: int) -> int:
    """Return the memory in MiB that a try needs.

    After a try that ran out of memory it is never less than that of the settings: a history that was too small costs
    one try.

    Args:
        job: Its name.
        arguments: Of the job; those of `import-case` have the size of the file and the number of samples.
        settings: With the job's own request, and whether its memory follows from the history.
        grown_mib: The memory that an earlier try's out-of-memory asked for, 0 where there was none.
    """
    requested_mib = effective_job(job, settings).resources.memory_mib
    if grown_mib or job != IMPORT_CASE.name or settings.jobs.import_case.sizing != "history":
        return max(requested_mib, grown_mib)
    return _by_history(arguments, settings) or requested_mib


def _by_history(arguments: Mapping[str, object], settings: Settings) -> int | None:
    """Return the request that follows from the history, None where there is not enough of it or the file is unlike."""
    vcf_bytes, samples = arguments.get("vcf_bytes"), arguments.get("samples")
    if not isinstance(vcf_bytes, int) or not isinstance(samples, int):
        return None
    uri = history_uri(settings.effective_work_uri)
    try:
        history = decode_history(storage.read_bytes(uri), uri)
    except InputError:
        return None  # no import has ended yet
    except RadiantError as error:
        log.warning("the request is that of the settings, since the history of imports cannot be read: %s", error)
        return None
    bound = memory_bound(history.imports)
    return None if bound is None else memory_request(bound, vcf_bytes, samples, settings.jobs.memory_cap_mib)
