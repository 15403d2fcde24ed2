//! Files of older versions, read as they are: temporary views in front of their tables have what the newest
//! tables have. Nothing is copied, and the file stays as it is.

use super::VIEWS;
use crate::error::Error;
use duckdb::Connection;

/// A table of the newest version, and what stands in for it in files of versions before a number: of several the
/// first that holds. `OLD` is the place of the tables in the file.
type Stand = (&'static str, &'static [(u64, &'static str)]);

const ORDERED: &str = "row_number() OVER (PARTITION BY run_id ORDER BY rowid) - 1 AS ordinal";

const STANDS: &[Stand] = &[
    (
        "runs",
        &[(
            6,
            "SELECT * REPLACE (
                CASE WHEN kind = 'train' AND json_exists(settings, '$.curve') THEN 'curve' ELSE kind END AS kind,
                (strftime(created, '%Y-%m-%d %H:%M:%S.%f') || '+00')::TIMESTAMPTZ AS created,
                (strftime(finished, '%Y-%m-%d %H:%M:%S.%f') || '+00')::TIMESTAMPTZ AS finished
             ), NULL::VARCHAR AS writer FROM OLD.runs",
        )],
    ),
    ("names", &[(6, "SELECT name, run_id FROM OLD.runs")]),
    (
        "contributions",
        &[(
            6,
            "SELECT run_id, 0 AS ordinal, NULL::VARCHAR AS host, provenance->>'device' AS device,
                    provenance->>'version' AS version, NULL::TIMESTAMPTZ AS begun, NULL::UBIGINT AS points,
                    provenance
             FROM OLD.runs",
        )],
    ),
    (
        "points",
        &[(2, "SELECT *, false AS interpolated FROM OLD.points")],
    ),
    (
        "tensors",
        &[(
            6,
            "SELECT t.* REPLACE (
                CASE WHEN t.part = 'checkpoint' AND (r.kind = 'curve' OR
                          r.kind = 'train' AND json_exists(r.settings, '$.curve'))
                     THEN 'control-point' ELSE t.part END AS part)
             FROM OLD.tensors t LEFT JOIN OLD.runs r USING (run_id)
             WHERE NOT ends_with(t.part, '-eigenvector')",
        )],
    ),
    (
        "eigenvectors",
        &[(
            6,
            "SELECT run_id, split_part(part, '-', 1) AS side, step AS rank, ordinal, name, role, shape, data
             FROM OLD.tensors WHERE ends_with(part, '-eigenvector')",
        )],
    ),
    (
        "records",
        &[(
            4,
            "SELECT *, NULL::DOUBLE AS gradient_norm, NULL::DOUBLE AS seconds FROM OLD.records",
        )],
    ),
    (
        "layouts",
        &[(
            4,
            "SELECT NULL::BIGINT AS run_id, NULL::INTEGER AS ordinal, NULL::VARCHAR AS name,
                    NULL::VARCHAR AS role, NULL::JSON AS shape WHERE false",
        )],
    ),
    (
        "deltas",
        &[(
            4,
            "SELECT NULL::BIGINT AS run_id, NULL::UBIGINT AS step, NULL::UBIGINT AS base,
                    NULL::VARCHAR AS coding, NULL::UBIGINT AS bytes, NULL::BLOB AS data WHERE false",
        )],
    ),
    (
        "training_states",
        &[(
            6,
            "SELECT NULL::BIGINT AS run_id, NULL::UBIGINT AS step, NULL::UBIGINT AS next_record,
                    NULL::DOUBLE AS seconds, NULL::INTEGER AS ordinal, NULL::BLOB AS data WHERE false",
        )],
    ),
    (
        "curvature",
        &[(
            3,
            "SELECT NULL::BIGINT AS run_id, NULL::UBIGINT AS step, NULL::UBIGINT AS parameters,
                    NULL::DOUBLE AS loss, NULL::DOUBLE AS gradient_norm, NULL::DOUBLE AS stability_limit,
                    NULL::UBIGINT AS products, NULL::DOUBLE AS seconds WHERE false",
        )],
    ),
    (
        "eigenvalues",
        &[
            (
                3,
                "SELECT NULL::BIGINT AS run_id, NULL::INTEGER AS ordinal, NULL::UBIGINT AS step,
                        NULL::VARCHAR AS part, NULL::VARCHAR AS side, NULL::UBIGINT AS rank,
                        NULL::DOUBLE AS value, NULL::DOUBLE AS residual, NULL::BOOLEAN AS converged,
                        NULL::VARCHAR AS method WHERE false",
            ),
            (6, "SELECT *, ORDERED FROM OLD.eigenvalues"),
        ],
    ),
    (
        "traces",
        &[
            (
                3,
                "SELECT NULL::BIGINT AS run_id, NULL::INTEGER AS ordinal, NULL::UBIGINT AS step,
                        NULL::VARCHAR AS part, NULL::VARCHAR AS method, NULL::DOUBLE AS mean,
                        NULL::DOUBLE AS se, NULL::UBIGINT AS probes, NULL::UBIGINT AS products WHERE false",
            ),
            (6, "SELECT *, ORDERED FROM OLD.traces"),
        ],
    ),
    (
        "spectra",
        &[
            (
                3,
                "SELECT NULL::BIGINT AS run_id, NULL::INTEGER AS ordinal, NULL::UBIGINT AS step,
                        NULL::VARCHAR AS part, NULL::UBIGINT AS lanczos_steps, NULL::UBIGINT AS probes,
                        NULL::DOUBLE AS width, NULL::UBIGINT AS atoms, NULL::DOUBLE AS confidence WHERE false",
            ),
            (
                5,
                "SELECT *, NULL::UBIGINT AS atoms, NULL::DOUBLE AS confidence, ORDERED FROM OLD.spectra",
            ),
            (6, "SELECT *, ORDERED FROM OLD.spectra"),
        ],
    ),
    (
        "spectrum_points",
        &[
            (
                3,
                "SELECT NULL::BIGINT AS run_id, NULL::UBIGINT AS step, NULL::VARCHAR AS part,
                        NULL::INTEGER AS ordinal, NULL::DOUBLE AS eigenvalue, NULL::DOUBLE AS density,
                        NULL::DOUBLE AS se, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper WHERE false",
            ),
            (
                5,
                "SELECT *, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper FROM OLD.spectrum_points",
            ),
        ],
    ),
    (
        "sharpness",
        &[
            (
                3,
                "SELECT NULL::BIGINT AS run_id, NULL::INTEGER AS ordinal, NULL::UBIGINT AS step,
                        NULL::VARCHAR AS measure, NULL::DOUBLE AS value, NULL::DOUBLE AS se,
                        NULL::JSON AS settings WHERE false",
            ),
            (6, "SELECT *, ORDERED FROM OLD.sharpness"),
        ],
    ),
    (
        "curvature_points",
        &[(
            3,
            "SELECT NULL::BIGINT AS run_id, NULL::INTEGER AS i, NULL::INTEGER AS j, NULL::INTEGER AS k,
                    NULL::DOUBLE AS alpha, NULL::DOUBLE AS beta, NULL::DOUBLE AS gamma,
                    NULL::DOUBLE AS lambda_max, NULL::DOUBLE AS lambda_min, NULL::DOUBLE AS residual_max,
                    NULL::DOUBLE AS residual_min, NULL::BOOLEAN AS converged WHERE false",
        )],
    ),
    (
        "lanczos_states",
        &[(
            3,
            "SELECT NULL::BIGINT AS run_id, NULL::VARCHAR AS task, NULL::JSON AS state WHERE false",
        )],
    ),
    (
        "lanczos_vectors",
        &[(
            3,
            "SELECT NULL::BIGINT AS run_id, NULL::VARCHAR AS task, NULL::INTEGER AS ordinal,
                    NULL::BLOB AS data WHERE false",
        )],
    ),
];

/// What stands in for a table in files of a version, where something has to.
pub(super) fn stand(table: &str, version: u64) -> Option<&'static str> {
    let (_, stands) = STANDS.iter().find(|(known, _)| *known == table)?;
    let stand = stands.iter().find(|(before, _)| version < *before);
    stand.map(|(_, select)| *select)
}

/// A stand-in for tables at a place.
pub(super) fn placed(select: &str, old: &str) -> String {
    select.replace("OLD", old).replace("ORDERED", ORDERED)
}

/// Lets a connection to a file of an older version see it as one of the newest.
pub(super) fn stand_in(conn: &Connection, version: u64) -> Result<(), Error> {
    let database: String = conn.query_row("SELECT current_database()", [], |row| row.get(0))?;
    let old = format!("\"{}\".main", database.replace('"', "\"\""));
    for (table, _) in STANDS {
        if let Some(select) = stand(table, version) {
            let select = placed(select, &old);
            conn.execute_batch(&format!("CREATE TEMP VIEW {table} AS {select}"))?;
        }
    }
    let (views, _comments) = VIEWS.split_once("COMMENT ON").unwrap_or((VIEWS, ""));
    Ok(conn.execute_batch(&views.replace("OR REPLACE VIEW", "TEMP VIEW"))?)
}
