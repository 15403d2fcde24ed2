-- All tables of the newest version, for new files. The migrations bring older files to the same columns, but not to all
-- of the keys: DuckDB can't replay keys that are added to tables with rows.

CREATE SEQUENCE run_numbers;

CREATE TYPE run_kind AS ENUM
    ('train', 'line', 'surface', 'volume', 'trajectory', 'hessian', 'curve', 'import');
CREATE TYPE run_status AS ENUM ('running', 'interrupted', 'complete');
CREATE TYPE tensor_role AS ENUM ('weight', 'bias', 'norm-scale', 'norm-shift', 'buffer');
CREATE TYPE spectrum_side AS ENUM ('top', 'bottom');

CREATE TABLE meta (
    key   VARCHAR NOT NULL PRIMARY KEY,
    value VARCHAR NOT NULL
);

CREATE TABLE runs (
    run_id     BIGINT NOT NULL PRIMARY KEY,
    name       VARCHAR NOT NULL,
    kind       run_kind NOT NULL,
    identity   VARCHAR NOT NULL,
    settings   JSON NOT NULL,
    provenance JSON NOT NULL,
    created    TIMESTAMPTZ NOT NULL,
    finished   TIMESTAMPTZ,
    status     run_status NOT NULL,
    owner      VARCHAR,
    writer     VARCHAR
);

CREATE TABLE names (
    name   VARCHAR NOT NULL PRIMARY KEY,
    run_id BIGINT NOT NULL
);

CREATE TABLE contributions (
    run_id     BIGINT NOT NULL,
    ordinal    INTEGER NOT NULL,
    host       VARCHAR,
    device     VARCHAR,
    version    VARCHAR,
    begun      TIMESTAMPTZ,
    points     UBIGINT,
    provenance JSON NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);

CREATE TABLE axes (
    run_id BIGINT NOT NULL,
    axis   INTEGER NOT NULL,
    name   VARCHAR NOT NULL,
    min    DOUBLE NOT NULL,
    max    DOUBLE NOT NULL,
    count  UBIGINT NOT NULL,
    PRIMARY KEY (run_id, axis)
);

CREATE TABLE terms (
    run_id BIGINT NOT NULL,
    term   INTEGER NOT NULL,
    name   VARCHAR NOT NULL,
    weight DOUBLE NOT NULL,
    PRIMARY KEY (run_id, term)
);

CREATE TABLE points (
    run_id       BIGINT NOT NULL,
    i            INTEGER NOT NULL,
    j            INTEGER NOT NULL,
    k            INTEGER NOT NULL,
    alpha        DOUBLE NOT NULL,
    beta         DOUBLE,
    gamma        DOUBLE,
    loss         DOUBLE NOT NULL,
    loss_se      DOUBLE,
    accuracy     DOUBLE,
    terms        DOUBLE[],
    interpolated BOOLEAN DEFAULT false
);

CREATE TABLE directions (
    run_id        BIGINT NOT NULL,
    direction     INTEGER NOT NULL,
    source        JSON NOT NULL,
    seed          UBIGINT,
    normalization VARCHAR NOT NULL,
    bias          VARCHAR NOT NULL,
    norm          DOUBLE NOT NULL,
    cosines       DOUBLE[] NOT NULL,
    PRIMARY KEY (run_id, direction)
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
    run_id        BIGINT NOT NULL,
    step          UBIGINT NOT NULL,
    epoch         DOUBLE NOT NULL,
    loss          DOUBLE,
    accuracy      DOUBLE,
    batch_loss    DOUBLE,
    lr            DOUBLE,
    gradient_norm DOUBLE,
    seconds       DOUBLE
);

CREATE TABLE layouts (
    run_id  BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    name    VARCHAR NOT NULL,
    role    VARCHAR NOT NULL,
    shape   JSON NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);

CREATE TABLE deltas (
    run_id BIGINT NOT NULL,
    step   UBIGINT NOT NULL,
    base   UBIGINT,
    coding VARCHAR NOT NULL,
    bytes  UBIGINT NOT NULL,
    data   BLOB NOT NULL
);

CREATE TABLE training_states (
    run_id      BIGINT NOT NULL,
    step        UBIGINT NOT NULL,
    next_record UBIGINT NOT NULL,
    seconds     DOUBLE NOT NULL,
    ordinal     INTEGER NOT NULL,
    data        BLOB NOT NULL
);

CREATE TABLE trajectories (
    run_id             BIGINT NOT NULL,
    label              VARCHAR NOT NULL,
    projection         VARCHAR NOT NULL,
    explained_variance DOUBLE[] NOT NULL,
    PRIMARY KEY (run_id, label)
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

CREATE TABLE curvature (
    run_id          BIGINT NOT NULL,
    step            UBIGINT,
    parameters      UBIGINT NOT NULL,
    loss            DOUBLE,
    gradient_norm   DOUBLE,
    stability_limit DOUBLE,
    products        UBIGINT NOT NULL,
    seconds         DOUBLE NOT NULL
);

CREATE TABLE eigenvalues (
    run_id    BIGINT NOT NULL,
    ordinal   INTEGER NOT NULL,
    step      UBIGINT,
    part      VARCHAR NOT NULL,
    side      spectrum_side NOT NULL,
    rank      UBIGINT NOT NULL,
    value     DOUBLE NOT NULL,
    residual  DOUBLE NOT NULL,
    converged BOOLEAN NOT NULL,
    method    VARCHAR NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);

CREATE TABLE eigenvectors (
    run_id  BIGINT NOT NULL,
    side    spectrum_side NOT NULL,
    rank    UBIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    name    VARCHAR NOT NULL,
    role    tensor_role NOT NULL,
    shape   JSON NOT NULL,
    data    BLOB NOT NULL,
    PRIMARY KEY (run_id, side, rank, ordinal)
);

CREATE TABLE traces (
    run_id   BIGINT NOT NULL,
    ordinal  INTEGER NOT NULL,
    step     UBIGINT,
    part     VARCHAR NOT NULL,
    method   VARCHAR NOT NULL,
    mean     DOUBLE NOT NULL,
    se       DOUBLE,
    probes   UBIGINT NOT NULL,
    products UBIGINT NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);

CREATE TABLE spectra (
    run_id        BIGINT NOT NULL,
    ordinal       INTEGER NOT NULL,
    step          UBIGINT,
    part          VARCHAR NOT NULL,
    lanczos_steps UBIGINT NOT NULL,
    probes        UBIGINT NOT NULL,
    width         DOUBLE NOT NULL,
    atoms         UBIGINT,
    confidence    DOUBLE,
    PRIMARY KEY (run_id, ordinal)
);

CREATE TABLE spectrum_points (
    run_id     BIGINT NOT NULL,
    step       UBIGINT,
    part       VARCHAR NOT NULL,
    ordinal    INTEGER NOT NULL,
    eigenvalue DOUBLE NOT NULL,
    density    DOUBLE NOT NULL,
    se         DOUBLE,
    lower      DOUBLE,
    upper      DOUBLE
);

CREATE TABLE sharpness (
    run_id   BIGINT NOT NULL,
    ordinal  INTEGER NOT NULL,
    step     UBIGINT,
    measure  VARCHAR NOT NULL,
    value    DOUBLE NOT NULL,
    se       DOUBLE,
    settings JSON NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);

CREATE TABLE curvature_points (
    run_id       BIGINT NOT NULL,
    i            INTEGER NOT NULL,
    j            INTEGER NOT NULL,
    k            INTEGER NOT NULL,
    alpha        DOUBLE NOT NULL,
    beta         DOUBLE,
    gamma        DOUBLE,
    lambda_max   DOUBLE NOT NULL,
    lambda_min   DOUBLE NOT NULL,
    residual_max DOUBLE NOT NULL,
    residual_min DOUBLE NOT NULL,
    converged    BOOLEAN NOT NULL
);

CREATE TABLE lanczos_states (
    run_id BIGINT NOT NULL,
    task   VARCHAR NOT NULL,
    state  JSON NOT NULL,
    PRIMARY KEY (run_id, task)
);

CREATE TABLE lanczos_vectors (
    run_id  BIGINT NOT NULL,
    task    VARCHAR NOT NULL,
    ordinal INTEGER NOT NULL,
    data    BLOB NOT NULL
);

COMMENT ON TABLE meta IS 'About this file: schema_version, created, created_by';
COMMENT ON TABLE runs IS 'One row a run: one computation';
COMMENT ON TABLE names IS 'Names of runs, one row a name; a run may have several';
COMMENT ON TABLE contributions IS 'One row a session that contributed to a run: where, with what, since when, how much';
COMMENT ON TABLE axes IS 'The grid of a run: one row an axis, numbered from 1';
COMMENT ON TABLE terms IS 'Extra terms of the loss: one row a term, numbered from 1';
COMMENT ON TABLE points IS 'One row a known point, measured or interpolated; others have no row';
COMMENT ON TABLE directions IS 'One row a direction of a plane, numbered from 1';
COMMENT ON TABLE tensors IS 'Parameters: origins and directions of planes, checkpoints, control points of curves; f32, little endian, row-major';
COMMENT ON TABLE records IS 'Training: one row a recorded step';
COMMENT ON TABLE layouts IS 'Tensors of the checkpoints in deltas: one row a tensor';
COMMENT ON TABLE deltas IS 'Compressed checkpoints: one row a checkpoint, mostly the difference to the one before';
COMMENT ON TABLE training_states IS 'The state that a training under way goes on from: one row a part of it';
COMMENT ON TABLE trajectories IS 'One row a path projected on the plane of a run';
COMMENT ON TABLE trajectory_points IS 'One row a checkpoint of a projected path';
COMMENT ON TABLE curvature IS 'One row a set of parameters whose curvature was computed';
COMMENT ON TABLE eigenvalues IS 'One row an eigenvalue, with its residual and whether it converged';
COMMENT ON TABLE eigenvectors IS 'Eigenvectors: one row a tensor; f32, little endian, row-major';
COMMENT ON TABLE traces IS 'One row an estimate of a trace, with its standard error';
COMMENT ON TABLE spectra IS 'One row a spectral density, with the settings of its quadrature';
COMMENT ON TABLE spectrum_points IS 'One row a point of a spectral density';
COMMENT ON TABLE sharpness IS 'One row a measure of sharpness';
COMMENT ON TABLE curvature_points IS 'Largest and smallest eigenvalue: one row a point of a grid';
COMMENT ON TABLE lanczos_states IS 'Lanczos iterations under way: one row an iteration';
COMMENT ON TABLE lanczos_vectors IS 'Lanczos iterations under way: one row a vector of the basis; f64, little endian';
