-- States that trainings go on from: the newest of each, until it is complete.
CREATE TABLE training_states (
    run_id      BIGINT NOT NULL,
    step        UBIGINT NOT NULL,
    next_record UBIGINT NOT NULL,
    seconds     DOUBLE NOT NULL,
    ordinal     INTEGER NOT NULL,
    data        BLOB NOT NULL
);

COMMENT ON TABLE training_states IS 'The state that a training under way goes on from: one row a part of it';

-- The writer that a run belongs to: a token that each opening of a database draws.
ALTER TABLE runs ADD COLUMN writer VARCHAR;
