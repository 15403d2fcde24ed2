CREATE SEQUENCE run_numbers;

CREATE TABLE meta (
    key   VARCHAR NOT NULL,
    value VARCHAR NOT NULL
);

CREATE TABLE runs (
    run_id     BIGINT NOT NULL,
    name       VARCHAR NOT NULL,
    kind       VARCHAR NOT NULL,
    identity   VARCHAR NOT NULL,
    settings   JSON NOT NULL,
    provenance JSON NOT NULL,
    created    TIMESTAMP NOT NULL,
    finished   TIMESTAMP,
    status     VARCHAR NOT NULL,
    owner      VARCHAR
);

CREATE TABLE axes (
    run_id BIGINT NOT NULL,
    axis   INTEGER NOT NULL,
    name   VARCHAR NOT NULL,
    min    DOUBLE NOT NULL,
    max    DOUBLE NOT NULL,
    count  UBIGINT NOT NULL
);

CREATE TABLE terms (
    run_id BIGINT NOT NULL,
    term   INTEGER NOT NULL,
    name   VARCHAR NOT NULL,
    weight DOUBLE NOT NULL
);

CREATE TABLE points (
    run_id   BIGINT NOT NULL,
    i        INTEGER NOT NULL,
    j        INTEGER NOT NULL,
    k        INTEGER NOT NULL,
    alpha    DOUBLE NOT NULL,
    beta     DOUBLE,
    gamma    DOUBLE,
    loss     DOUBLE NOT NULL,
    loss_se  DOUBLE,
    accuracy DOUBLE,
    terms    DOUBLE[]
);

CREATE TABLE directions (
    run_id        BIGINT NOT NULL,
    direction     INTEGER NOT NULL,
    source        JSON NOT NULL,
    seed          UBIGINT,
    normalization VARCHAR NOT NULL,
    bias          VARCHAR NOT NULL,
    norm          DOUBLE NOT NULL,
    cosines       DOUBLE[] NOT NULL
);

CREATE TABLE tensors (
    run_id  BIGINT NOT NULL,
    part    VARCHAR NOT NULL,
    step    UBIGINT,
    ordinal INTEGER NOT NULL,
    name    VARCHAR NOT NULL,
    role    VARCHAR NOT NULL,
    shape   JSON NOT NULL,
    data    BLOB NOT NULL
);

CREATE TABLE records (
    run_id     BIGINT NOT NULL,
    step       UBIGINT NOT NULL,
    epoch      DOUBLE NOT NULL,
    loss       DOUBLE,
    accuracy   DOUBLE,
    batch_loss DOUBLE,
    lr         DOUBLE
);

CREATE TABLE trajectories (
    run_id             BIGINT NOT NULL,
    label              VARCHAR NOT NULL,
    projection         VARCHAR NOT NULL,
    explained_variance DOUBLE[] NOT NULL
);

CREATE TABLE trajectory_points (
    run_id     BIGINT NOT NULL,
    label      VARCHAR NOT NULL,
    ordinal    INTEGER NOT NULL,
    step       UBIGINT NOT NULL,
    x          DOUBLE NOT NULL,
    y          DOUBLE NOT NULL,
    z          DOUBLE NOT NULL,
    residual   DOUBLE NOT NULL,
    loss       DOUBLE,
    plane_loss DOUBLE
);

CREATE VIEW weights AS
    SELECT run_id, list(weight ORDER BY term) AS weights FROM terms GROUP BY run_id;

CREATE VIEW landscape AS
    SELECT r.name AS run, p.i, p.j, p.k, p.alpha, p.beta, p.gamma, p.loss, p.loss_se, p.accuracy,
           p.loss + coalesce(list_dot_product(p.terms, w.weights), 0) AS total
    FROM points p JOIN runs r USING (run_id) LEFT JOIN weights w USING (run_id);

CREATE VIEW point_terms AS
    SELECT r.name AS run, p.i, p.j, p.k, t.name AS term, t.weight, p.terms[t.term] AS value
    FROM points p JOIN runs r USING (run_id) JOIN terms t USING (run_id);

CREATE VIEW checkpoints AS
    SELECT r.name AS run, t.step, c.epoch, c.loss, c.accuracy, c.lr,
           count(*) AS tensors, sum(octet_length(t.data)) AS bytes
    FROM tensors t JOIN runs r USING (run_id)
         LEFT JOIN records c ON c.run_id = t.run_id AND c.step = t.step
    WHERE t.part = 'checkpoint' GROUP BY ALL;

COMMENT ON TABLE meta IS 'About this file: schema_version, created, created_by';
COMMENT ON TABLE runs IS 'One row a run: one computation with a name';
COMMENT ON TABLE axes IS 'The grid of a run: one row an axis, numbered from 1';
COMMENT ON TABLE terms IS 'Extra terms of the loss: one row a term, numbered from 1';
COMMENT ON TABLE points IS 'One row a measured point; points not measured have no row';
COMMENT ON TABLE directions IS 'One row a direction of a plane, numbered from 1';
COMMENT ON TABLE tensors IS 'Parameters: origins and directions of planes, checkpoints; f32, little endian, row-major';
COMMENT ON TABLE records IS 'Training: one row a recorded step';
COMMENT ON TABLE trajectories IS 'One row a path projected on the plane of a run';
COMMENT ON TABLE trajectory_points IS 'One row a checkpoint of a projected path';
COMMENT ON VIEW weights IS 'Weights of the extra terms of each run as one list';
COMMENT ON VIEW landscape IS 'Points under the name of their run, with the total loss';
COMMENT ON VIEW point_terms IS 'One row a point and extra term';
COMMENT ON VIEW checkpoints IS 'One row a checkpoint with parameters';
