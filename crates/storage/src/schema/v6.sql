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

-- Words of runs are of types that name all of them, small tables have keys, moments have a zone. Runs have any number of
-- names, a fence against writers that lost them, and all that contributed to them; eigenvectors, control points and the
-- order of results have columns of their own.

CREATE TYPE run_kind AS ENUM
    ('train', 'line', 'surface', 'volume', 'trajectory', 'hessian', 'curve', 'import');
CREATE TYPE run_status AS ENUM ('running', 'interrupted', 'complete');
CREATE TYPE tensor_role AS ENUM ('weight', 'bias', 'norm-scale', 'norm-shift', 'buffer');
CREATE TYPE spectrum_side AS ENUM ('top', 'bottom');

-- Control points of curves were once the checkpoints of a training.
CREATE TABLE checked (
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
INSERT INTO checked BY NAME
    SELECT * REPLACE (
        CASE WHEN kind = 'train' AND json_exists(settings, '$.curve') THEN 'curve' ELSE kind END AS kind,
        (strftime(created, '%Y-%m-%d %H:%M:%S.%f') || '+00')::TIMESTAMPTZ AS created,
        (strftime(finished, '%Y-%m-%d %H:%M:%S.%f') || '+00')::TIMESTAMPTZ AS finished
    ) FROM runs ORDER BY run_id;
DROP TABLE runs;
ALTER TABLE checked RENAME TO runs;

-- Eigenvectors: their rank stood in the column of steps.
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
INSERT INTO eigenvectors
    SELECT run_id, split_part(part, '-', 1), step, ordinal, name, role, shape, data
    FROM tensors WHERE part IN ('top-eigenvector', 'bottom-eigenvector');
-- In place, without a copy of what they hold.
DELETE FROM tensors WHERE part IN ('top-eigenvector', 'bottom-eigenvector');
UPDATE tensors SET part = 'control-point'
    WHERE part = 'checkpoint' AND run_id IN (SELECT run_id FROM runs WHERE kind = 'curve');

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
INSERT INTO contributions
    WITH listed AS (
        SELECT run_id, unnest(coalesce(nullif(json_extract(provenance, '$.sessions[*]'), []), [provenance])) AS session,
               generate_subscripts(coalesce(nullif(json_extract(provenance, '$.sessions[*]'), []), [provenance]), 1) - 1
                   AS ordinal
        FROM runs
    )
    SELECT run_id, ordinal, NULL, session->>'device', session->>'version', NULL,
           coalesce(TRY_CAST(session->>'points' AS UBIGINT),
                    (SELECT count(*) FROM points p WHERE p.run_id = listed.run_id AND NOT p.interpolated)
                    + (SELECT count(*) FROM curvature_points c WHERE c.run_id = listed.run_id)),
           json_merge_patch(session, '{"points": null}')
    FROM listed;

CREATE TABLE names (
    name   VARCHAR NOT NULL PRIMARY KEY,
    run_id BIGINT NOT NULL
);
INSERT INTO names SELECT name, min(run_id) FROM runs GROUP BY name;


-- The order of results is a column, in place of that of the rows in the file.
CREATE TABLE ordered (
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
INSERT INTO ordered BY NAME
    SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY rowid) - 1 AS ordinal FROM eigenvalues;
DROP TABLE eigenvalues;
ALTER TABLE ordered RENAME TO eigenvalues;
COMMENT ON TABLE eigenvalues IS 'One row an eigenvalue, with its residual and whether it converged';

CREATE TABLE ordered (
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
INSERT INTO ordered BY NAME
    SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY rowid) - 1 AS ordinal FROM traces;
DROP TABLE traces;
ALTER TABLE ordered RENAME TO traces;
COMMENT ON TABLE traces IS 'One row an estimate of a trace, with its standard error';

CREATE TABLE ordered (
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
INSERT INTO ordered BY NAME
    SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY rowid) - 1 AS ordinal FROM spectra;
DROP TABLE spectra;
ALTER TABLE ordered RENAME TO spectra;
COMMENT ON TABLE spectra IS 'One row a spectral density, with the settings of its quadrature';

CREATE TABLE ordered (
    run_id   BIGINT NOT NULL,
    ordinal  INTEGER NOT NULL,
    step     UBIGINT,
    measure  VARCHAR NOT NULL,
    value    DOUBLE NOT NULL,
    se       DOUBLE,
    settings JSON NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);
INSERT INTO ordered BY NAME
    SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY rowid) - 1 AS ordinal FROM sharpness;
DROP TABLE sharpness;
ALTER TABLE ordered RENAME TO sharpness;
COMMENT ON TABLE sharpness IS 'One row a measure of sharpness';

COMMENT ON TABLE runs IS 'One row a run: one computation';
COMMENT ON TABLE tensors IS 'Parameters: origins and directions of planes, checkpoints, control points of curves; f32, little endian, row-major';
COMMENT ON TABLE eigenvectors IS 'Eigenvectors: one row a tensor; f32, little endian, row-major';
COMMENT ON TABLE contributions IS 'One row a session that contributed to a run: where, with what, since when, how much';
COMMENT ON TABLE names IS 'Names of runs, one row a name; a run may have several';
