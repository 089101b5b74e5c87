"""Which requests are repeated, how often, and after which wait."""

from httpx_retries import Retry

from aibridge.answers import GarbledAnswer, is_untrusted, plain

DOUBTFUL_RETRIES = 2
INTERNAL_SERVER_ERROR = 500


class RetryPolicy(Retry):
    """The default policy's own judgement of what may pass; ``copy_with`` keeps it.

    A 500 may be a database that is restarting, or may stay for ever; a 200 that is not JSON may
    be a proxy's maintenance page, or its login page: both are tried again twice. A certificate
    that is not trusted stays so.
    """

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds to wait; 0, which is "as usual", for what says neither seconds nor a time.

        What is parsed may be logged, so it is made printable first.
        """
        try:
            return super().parse_retry_after(plain(retry_after))
        except Exception:  # noqa: BLE001  # the parser of dates fails in ways it does not promise
            return 0.0

    def is_retryable_status_code(self, status_code: int) -> bool:
        """Whether an answer with this status is worth another try, after those already made."""
        if status_code == INTERNAL_SERVER_ERROR:
            return self.attempts_made < DOUBTFUL_RETRIES
        return super().is_retryable_status_code(status_code)

    def is_retryable_exception(self, exception: Exception) -> bool:
        """Whether a failure is worth another try, after those already made."""
        if isinstance(exception, GarbledAnswer):
            return self.attempts_made < DOUBTFUL_RETRIES
        return super().is_retryable_exception(exception) and not is_untrusted(exception)


def default_retry() -> Retry:
    """Four retries within two minutes of waiting, for GET; ``copy_with`` changes the figures.

    On 429, 502, 503, 504, timeouts, network faults and broken answers; twice on 500. Waits
    0.5, 1, 2 and 4 seconds less up to half of each by chance, or what ``Retry-After`` says up
    to a minute, which is the length of the server's rate window (api-contract 1.7).
    """
    return RetryPolicy(
        total=4,
        allowed_methods=["GET"],
        backoff_factor=0.25,
        backoff_jitter=0.5,
        max_backoff_wait=60,
        total_timeout=120,
    )
