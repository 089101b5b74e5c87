-- Which words the prompts of a run of requests have; rebuilt at leisure (store/text_index.py).
CREATE TABLE vocabulary (
    first BIGINT NOT NULL,           -- usage.usage; the run's first and last key
    last BIGINT NOT NULL,
    since TIMESTAMP NOT NULL,        -- the earliest and the latest prompts.started_at
    until TIMESTAMP NOT NULL,
    texts BIGINT NOT NULL,           -- prompts when it was gathered
    words VARCHAR USING COMPRESSION zstd -- some of them, in several rows; NULL = any
);
