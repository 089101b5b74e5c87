-- What was deleted before files were written anew is still in this one (store/rewriting.py).
INSERT INTO meta SELECT 'deleted_at', '1970-01-01T00:00:00+00:00' WHERE EXISTS (FROM usage);
