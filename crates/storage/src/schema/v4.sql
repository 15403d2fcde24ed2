-- Compressed checkpoints; more about each step of training.

CREATE TABLE layouts (
    run_id  BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    name    VARCHAR NOT NULL,
    role    VARCHAR NOT NULL,
    shape   JSON NOT NULL
);

CREATE TABLE deltas (
    run_id BIGINT NOT NULL,
    step   UBIGINT NOT NULL,
    base   UBIGINT,
    coding VARCHAR NOT NULL,
    bytes  UBIGINT NOT NULL,
    data   BLOB NOT NULL
);

ALTER TABLE records ADD COLUMN gradient_norm DOUBLE;
ALTER TABLE records ADD COLUMN seconds DOUBLE;

CREATE OR REPLACE VIEW checkpoints AS
    WITH stored AS (
        SELECT run_id, step, count(*) AS tensors, sum(octet_length(data)) AS bytes, 'raw' AS form
        FROM tensors WHERE part = 'checkpoint' GROUP BY run_id, step
        UNION ALL
        SELECT d.run_id, d.step, l.tensors, d.bytes, d.coding
        FROM deltas d JOIN (SELECT run_id, count(*) AS tensors FROM layouts GROUP BY run_id) l
             USING (run_id)
    )
    SELECT r.name AS run, s.step, c.epoch, c.loss, c.accuracy, c.lr, s.tensors, s.bytes, s.form
    FROM stored s JOIN runs r USING (run_id)
         LEFT JOIN records c ON c.run_id = s.run_id AND c.step = s.step;

COMMENT ON TABLE layouts IS 'Tensors of the checkpoints in deltas: one row a tensor';
COMMENT ON TABLE deltas IS 'Compressed checkpoints: one row a checkpoint, mostly the difference to the one before';
COMMENT ON VIEW checkpoints IS 'One row a checkpoint with parameters';
