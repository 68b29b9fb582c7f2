"""Every error that radiant raises on purpose.

```
RadiantError
├─ ConfigError                 terminal   78   a setting, an environment variable, a missing package
│  └─ TenantError                              no tenant is named, an unknown one, or what belongs to another
├─ InputError                  terminal   65   a file or value from outside that cannot be imported
│  ├─ VcfFormatError                           the file breaks a rule of the VCF specification
│  ├─ VcfTruncatedError                        the file is cut off
│  ├─ SampleMismatchError                      pedigree and VCF name different samples
│  └─ PedigreeError                            the pedigree contradicts itself
├─ StorageError                transient  75   bytes could not be read or written
├─ TerminatedError             transient  75   the platform asked the job to stop (drain, spot notice, timeout)
├─ LakeError                   terminal   70
│  ├─ SchemaMismatchError      terminal   70   a batch or a table has other columns than declared
│  ├─ DamagedFileError         terminal   70   a file of a table is cut off or overwritten
│  ├─ CommitConflictError      transient  75   another commit landed first; nothing of ours landed
│  ├─ CommitUnknownError       transient  75   unknown whether it landed: nothing may be deleted, a repetition finds it
│  └─ LakeUnavailableError     transient  75   the catalog does not answer
├─ RegistryError               terminal   70
│  ├─ CaseNotFoundError        terminal   65
│  ├─ CaseStateError           terminal   70   a transition the state machine does not allow
│  ├─ PartitionError           terminal   65   ids that belong to two parts, or a range that is full
│  └─ RegistryUnavailableError transient  75
├─ AirflowError                terminal   70   the embedded Airflow refused something
│  └─ AirflowUnavailableError  transient  75   it does not answer, or one of its parts ended
└─ JobError                    (raised on Airflow's side only)
   ├─ JobFailedError                           the job wrote a failed result: carries its code, message, retryable
   ├─ JobLostError             transient  75   the job ended without a result (out of memory, killed)
   ├─ JobNotYetError           transient  75   the platform has no room for it now
   ├─ JobRefusedError          terminal   78   the platform will never start it: a wrong setting, a missing right
   ├─ PlatformUnavailableError transient  75   Kubernetes or ECS does not answer; the container goes on
   └─ JobProtocolError         terminal   70   request or result document unreadable or of another version
```

`code`, `retryable` and `exit_code` are facts of the class. Exit codes follow BSD `sysexits.h`:
65 bad input (EX_DATAERR), 70 bug (EX_SOFTWARE), 75 transient (EX_TEMPFAIL), 78 configuration (EX_CONFIG).
A message has four parts: where, the value, the rule, what to do. It never names a patient or a sample's genotype.
"""

from typing import ClassVar

EXIT_OK = 0
EXIT_BAD_INPUT = 65
EXIT_BUG = 70
EXIT_TRANSIENT = 75
EXIT_CONFIG = 78


class RadiantError(Exception):
    """The base of all errors."""

    code: ClassVar[str] = "Bug"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = EXIT_BUG


class ConfigError(RadiantError):
    """A setting is missing, misspelt or out of range."""

    code = "Config"
    exit_code = EXIT_CONFIG


class TenantError(ConfigError):
    """No tenant is named, it is unknown, or a job was asked for what belongs to another one."""

    code = "Tenant"


class InputError(RadiantError):
    """A file or value from outside cannot be imported; a retry changes nothing."""

    code = "BadInput"
    exit_code = EXIT_BAD_INPUT


class VcfFormatError(InputError):
    """A VCF breaks a rule of its specification; the message names file, line, rule and remedy."""

    code = "VcfFormat"


class VcfTruncatedError(InputError):
    """A VCF is cut off: no BGZF end-of-file block, or half a last line."""

    code = "VcfTruncated"


class SampleMismatchError(InputError):
    """A declared member is not a sample of the VCF; the message lists both sides."""

    code = "SampleMismatch"


class PedigreeError(InputError):
    """A pedigree contradicts itself: a loop, a father who is female, a duplicate."""

    code = "Pedigree"


class StorageError(RadiantError):
    """Bytes could not be read or written for a transient reason."""

    code = "Storage"
    retryable = True
    exit_code = EXIT_TRANSIENT


class TerminatedError(RadiantError):
    """The platform sent SIGTERM: a drained node, a spot notice, a timeout, a user."""

    code = "Terminated"
    retryable = True
    exit_code = EXIT_TRANSIENT


class LakeError(RadiantError):
    """A lake operation failed."""

    code = "Lake"


class SchemaMismatchError(LakeError):
    """Columns differ from those the table declares."""

    code = "SchemaMismatch"


class DamagedFileError(LakeError):
    """A file of a table is cut off or overwritten; nothing was changed."""

    code = "DamagedFile"


class CommitConflictError(LakeError):
    """Another writer committed first; nothing of this commit landed and it may be repeated."""

    code = "CommitConflict"
    retryable = True
    exit_code = EXIT_TRANSIENT


class CommitUnknownError(LakeError):
    """The catalog gave no answer to a commit, which may have landed: a repetition finds it by the commit token."""

    code = "CommitUnknown"
    retryable = True
    exit_code = EXIT_TRANSIENT


class LakeUnavailableError(LakeError):
    """The Iceberg catalog does not answer; nothing was changed."""

    code = "LakeUnavailable"
    retryable = True
    exit_code = EXIT_TRANSIENT


class RegistryError(RadiantError):
    """The case registry refused an operation."""

    code = "Registry"


class CaseNotFoundError(RegistryError):
    """No case of that number is registered."""

    code = "CaseNotFound"
    exit_code = EXIT_BAD_INPUT


class CaseStateError(RegistryError):
    """The case's state does not allow this transition."""

    code = "CaseState"


class PartitionError(RegistryError):
    """Ids that must share a part already belong to two, or a strategy's range of parts is full."""

    code = "Partition"
    exit_code = EXIT_BAD_INPUT


class RegistryUnavailableError(RegistryError):
    """The registry's database does not answer."""

    code = "RegistryUnavailable"
    retryable = True
    exit_code = EXIT_TRANSIENT


class AirflowError(RadiantError):
    """The Airflow that `radiant run` started refused a request, or cannot read our DAGs."""

    code = "Airflow"


class AirflowUnavailableError(AirflowError):
    """Airflow does not answer, did not start in time, or one of its parts ended."""

    code = "AirflowUnavailable"
    retryable = True
    exit_code = EXIT_TRANSIENT


class JobError(RadiantError):
    """A job did not succeed, seen from Airflow's side."""

    code = "Job"


class JobFailedError(JobError):
    """The job wrote a failed result; carries its code, message and retryable."""

    def __init__(self, message: str, *, code: str, retryable: bool) -> None:
        """Store the job's own code and retryable beside the message."""
        super().__init__(message)
        self.job_code = code
        self.job_retryable = retryable


class JobLostError(JobError):
    """The job ended without a result; `reason` is the platform's reason (OutOfMemory, Evicted, Lost)."""

    code = "Lost"
    retryable = True
    exit_code = EXIT_TRANSIENT

    def __init__(self, message: str, *, reason: str = "Lost") -> None:
        """Store the platform's reason beside the message."""
        super().__init__(message)
        self.reason = reason


class JobNotYetError(JobError):
    """The platform has no room for the job now (QuotaExceeded, NoCapacity); `reason` is one of these names."""

    code = "NotYet"
    retryable = True
    exit_code = EXIT_TRANSIENT

    def __init__(self, message: str, *, reason: str) -> None:
        """Store the name of the reason beside the message."""
        super().__init__(message)
        self.reason = reason


class JobRefusedError(JobError):
    """The platform will never start this job as requested; `reason` is the name of the cause."""

    code = "Refused"
    exit_code = EXIT_CONFIG

    def __init__(self, message: str, *, reason: str = "Config") -> None:
        """Store the name of the reason beside the message."""
        super().__init__(message)
        self.reason = reason


class PlatformUnavailableError(JobError):
    """Kubernetes or ECS does not answer or throttles (`reason`); the container goes on, the next look may succeed."""

    code = "PlatformUnavailable"
    retryable = True
    exit_code = EXIT_TRANSIENT

    def __init__(self, message: str, *, reason: str = "PlatformUnavailable") -> None:
        """Store the name of the reason beside the message."""
        super().__init__(message)
        self.reason = reason


class JobProtocolError(JobError):
    """A request or result document is unreadable, or of another protocol version."""

    code = "Protocol"
