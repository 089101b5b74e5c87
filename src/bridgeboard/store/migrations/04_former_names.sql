-- What people were called before, so that a teams file that still says so means them.
CREATE TABLE former_names (
    initiator INTEGER NOT NULL,
    username VARCHAR NOT NULL        -- lower case
);
-- By which entry of the teams file somebody is meant: an id, a former user name, '' for none; NULL
-- is the present user name.
ALTER TABLE initiators ADD COLUMN member VARCHAR;
