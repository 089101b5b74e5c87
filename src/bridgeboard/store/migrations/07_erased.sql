-- People who were erased; what syncs tell of them is kept under these names, without text.
CREATE TABLE erased (
    digest VARCHAR NOT NULL,         -- of their id, with a key of this store
    id UUID NOT NULL,                -- what stands in its place
    username VARCHAR NOT NULL,       -- likewise
    numbers BOOLEAN NOT NULL,        -- whether numbers of theirs are kept
    erased_at TIMESTAMP NOT NULL
);
