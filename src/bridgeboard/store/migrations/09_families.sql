-- What the models of ids are called, whoever sells them.
CREATE TABLE families (
    model VARCHAR NOT NULL,          -- as recorded, each once; it may be that no row has it any more
    family VARCHAR NOT NULL          -- by the price list, or the same as model
);
